/* The verdict of a reader on a message, the promises that it is held against, and the receiver that
 * reads server 2. Part of mesh.pml, whose variables it works on.
 */

/* TidePoll::visibility() of own and inherited position. */
inline Verdict(m_, told_q) {
  verdict_of = VISIBLE;
  if
  :: pb[m_] != NONE ->
     Rule(pb[m_], pl[m_], after[m_], told[m_], rb, rl, told_q);
     verdict_of = verdict
  :: else
  fi;
  if
  :: verdict_of == VISIBLE && ib[m_] != NONE ->
     Rule(ib[m_], il[m_], 0, itold[m_], rb, rl, told_q);
     if
     :: INHERITED != IGNORED && verdict == PENDING -> verdict_of = PENDING
     :: INHERITED == DEMANDED && verdict != VISIBLE -> verdict_of = PENDING
     :: else
     fi
  :: else
  fi
}
inline Judge(s_, m_) {
  c = CHANGE(m_);
  if
  :: verdict_of == VISIBLE ->
     printf("server %d is at %d:%d (branch %d)\n", s_, PLACE(s_));
     printf("m%d is delivered there\n", m_);
     if
     :: announces[m_] ->
        Truth_of(c, branch[s_], lsn[s_]);
        PROMISE("BROKEN S2: a lost change is not announced\n", truth != LOST);
        PROMISE("BROKEN S1: nothing comes early\n", truth != WAIT)
     :: else
     fi;
     c = 0;
     do
     :: c < CHANGES ->
        if
        :: before[m_] & (1 << c) ->
           Truth_of(c, branch[s_], lsn[s_]);
           PROMISE("BROKEN S6: nothing comes before its cause\n", truth != WAIT)
        :: else
        fi;
        c++
     :: else -> break
     od
  :: verdict_of == ORPHANED ->
     printf("server %d is at %d:%d (branch %d)\n", s_, PLACE(s_));
     printf("m%d is reported as orphaned\n", m_);
     if
     :: announces[m_] ->
        Truth_of(c, branch[s_], lsn[s_]);
        PROMISE("BROKEN N1: an orphaned change is lost\n", truth == LOST)
     :: else -> PROMISE("BROKEN N1: only a change can be lost\n", false)
     fi
  :: verdict_of == IN_DOUBT ->
     printf("server %d is at %d:%d (branch %d)\n", s_, PLACE(s_));
     printf("m%d is reported as in doubt\n", m_);
     if
     :: announces[m_] ->
        Truth_at(branch[s_], lsn[s_], pb[m_], pl[m_]);
        PROMISE("BROKEN N1: a change in doubt may be lost\n", truth == LOST);
        if
        :: after[m_] != 0 && !NAMELESS ->
           Truth_at(branch[s_], lsn[s_], pb[m_], after[m_]);
           PROMISE("BROKEN N1: a change that is lost for sure is not in doubt\n", truth != LOST)
        :: else
        fi
     :: else -> PROMISE("BROKEN N1: only a change can be lost\n", false)
     fi
  :: else
  fi
}
/* The rule is as sharp as the truth, at every reading. */
inline Hold_against_truth(m_) {
  if
  :: EXACT && pb[m_] != NONE ->
     Rule(pb[m_], pl[m_], after[m_], told[m_], rb, rl, nameless[READER]);
     Truth_at(branch[READER], lsn[READER], pb[m_], pl[m_]);
     PROMISE("BROKEN the rule is exact\n", (verdict == VISIBLE) == (truth == COVERED) &&
             (verdict == PENDING) == (truth == WAIT))
  :: else
  fi
}
inline Decide(m_) {
  Hold_against_truth(m_);
  Verdict(m_, nameless[READER]);
  Judge(READER, m_);
  decided[m_] = verdict_of
}

/* P0's messages are decided in their order. */
#define IS_OVER(m_) (state[m_] == GIVEN_BACK || decided[m_] != 0)
#define IS_NEXT(m_) (state[m_] == SENT && decided[m_] == 0 && \
                     (m_ != 1 || IS_OVER(0)) && (m_ != 4 || IS_OVER(2)) && \
                     (m_ != 3 || (IS_OVER(0) && (!SILENT || IS_OVER(1)))))
#if AGAIN
#define ANY_IS_NEXT (IS_NEXT(0) || IS_NEXT(1) || IS_NEXT(2) || IS_NEXT(3) || IS_NEXT(4))
#else
#define ANY_IS_NEXT (IS_NEXT(0) || IS_NEXT(1) || IS_NEXT(2) || IS_NEXT(3))
#endif
#define UNDER_WAY(m_) (state[m_] >= COMMITTED && state[m_] <= POSITIONED)
/* Behind the healing the receiver looks once all is at rest: its steps then change something. */
#define AT_REST (flushed[survivor] == lsn[survivor] && branch[READER] == branch[survivor] && \
                 lsn[READER] == lsn[survivor] && !UNDER_WAY(0) && !UNDER_WAY(2) && \
                 !UNDER_WAY(3) && (!LAST_MESSAGE || state[3] >= SENT))
#define MAY_READ (role[READER] != DEAD && (!healed || AT_REST))

proctype Receiver() {
end:
  do
#if READING == TOGETHER
#define READ(m_) \
  d_step { IS_NEXT(m_) && MAY_READ -> rb = branch[READER]; rl = lsn[READER]; Decide(m_) }
#else
  :: d_step { half == NONE && MAY_READ && ANY_IS_NEXT ->
       half = (READING == LSN_FIRST -> lsn[READER] : branch[READER]); half_life = life[READER];
       if
       :: READING == LSN_FIRST -> printf("the receiver reads the LSN of server 2: %d\n", half)
       :: else -> printf("the receiver reads the history of server 2: branch %d\n", half)
       fi }
  :: d_step { half != NONE && (half_life != life[READER] || role[READER] == DEAD) ->
       half = NONE; half_life = 0 }
#define READ(m_) \
  d_step { IS_NEXT(m_) && half != NONE && half_life == life[READER] && role[READER] != DEAD && \
           (!healed || AT_REST) -> \
       rb = (READING == LSN_FIRST -> branch[READER] : half); \
       rl = (READING == LSN_FIRST -> half : lsn[READER]); \
       half = NONE; half_life = 0; Decide(m_) }
#endif
  :: READ(0)
  :: READ(1)
  :: READ(2)
  :: READ(3)
#if AGAIN
  :: READ(4)
#endif
#ifndef LIVENESS
  /* Nothing moves any more, so what is held now is held for ever. (Somebody has to have written:
   * a primary that stands at the very fork could still go the other way.) */
  :: d_step { LAST_MESSAGE && healed && AT_REST && ANY_IS_NEXT ->
       rb = branch[READER]; rl = lsn[READER];
       k = 0;
       do
       :: k < MESSAGES ->
          if
          :: IS_NEXT(k) ->
             Verdict(k, nameless[READER]);
             PROMISE("BROKEN L1: nothing is held for ever\n", verdict_of != PENDING)
          :: else
          fi;
          k++
       :: else -> break
       od;
       k = 0 }
#endif
  od
}
