/* Messages whose positions travel, against servers that fail over: the promises S1, S2, S6, L1, N1.
 *
 * P0 publishes m0 (change 0), then m1 without a change, and once all is healed m3 (change 2). P1
 * reads server 1, delivers m0, and publishes m2, with change 1 or without one; with AGAIN also m4,
 * without one. A receiver reads server 2 and decides each message by its last reading. The streams
 * themselves (sequences, gaps) are no part of this: a message arrives once, in its order.
 *
 * HOW a publisher gets its position:
 *
 *   BRACKETED  identity and a lower bound are read inside the committing transaction, the LSN
 *              behind COMMIT, and both have to come from one life of one server: commit()
 *   TOLD       it hears "committed" and asks its primary; the change survived if the answer comes
 *              from the life that was known when it was told: AfterCommit, lib/gate/commit_queue
 *
 * SYNC: COMMIT flushes, and AfterCommit says so (durable). POOLER: connections move between
 * servers unseen. OWN: the application commits on a connection of its own, which may lead to
 * another primary than the peer's, and is told no more of the timeline than its number. BY_LIFE:
 * and the life of the server; then the peer completes the history if it has met that one, and else
 * gives the message back. BY_NUMBER: it completes it by its own primary if the numbers are equal,
 * and else sends the number, which is no rule of the product.
 *
 * Switches for worlds that the product does not master: LATE (publish() long after COMMIT), STRICT
 * (S6 also of causes that the publisher's own history has left). And for rules that it does not
 * follow: UNFLUSHED (sent before the flush), MERGED (one position for own and inherited), INHERITED
 * (what becomes of a message whose inherited position is not shown), LATER_COUNTS (of two histories
 * that one counts that was heard of last, also where the publisher's own server excludes it),
 * NO_BOUND (a change that may be lost is called lost), READING (the order of LSN and history).
 */
#include "tree.pml"
#include "rule.pml"

#define TOLD 0
#define BRACKETED 1
#ifndef HOW
#define HOW BRACKETED
#endif
#ifndef POOLER
#define POOLER 0
#endif
#ifndef LATE
#define LATE 0
#endif
#ifndef UNFLUSHED
#define UNFLUSHED 0
#endif
#ifndef MERGED
#define MERGED 0
#endif
#define TOGETHER 0
#define LSN_FIRST 1
#define HISTORY_FIRST 2
#ifndef READING
#define READING TOGETHER
#endif
#define IGNORED 0
#define AWAITED 1      /* unless it is excluded: the product */
#define DEMANDED 2
#ifndef INHERITED
#define INHERITED AWAITED
#endif
#define BY_NUMBER 1
#define BY_LIFE 2
#ifndef OWN
#define OWN 0
#endif
#ifndef STRICT
#define STRICT 0
#endif
#ifndef LATER_COUNTS
#define LATER_COUNTS 0
#endif
#ifndef SYNC
#define SYNC 0
#endif
#ifndef NO_BOUND
#define NO_BOUND 0
#endif
#ifndef PUBLISHERS
#define PUBLISHERS 2
#endif
#ifndef SILENT         /* m1 */
#define SILENT 1
#endif
#ifndef AGAIN          /* m4 */
#define AGAIN 0
#endif
#ifndef LAST_MESSAGE   /* m3, a new message in the healed mesh */
#define LAST_MESSAGE 1
#endif
#ifndef MOVES          /* new connections, or moves of the pooler */
#define MOVES 1
#endif
#ifndef SPLIT          /* begins behind a double promotion */
#define SPLIT 0
#endif
#ifndef EXACT          /* holds each verdict against the truth, also where nothing is delivered */
#define EXACT 0
#endif

#define CHANGES 3
#define MESSAGES (4 + AGAIN)
#define READER 2       /* the server of the receiver */
#define P1_READS 1

/* states of a message */
#define NOT_YET 0
#define COMMITTED 1    /* LATE: its publisher has not said so yet */
#define PUBLISHED 2
#define POSITIONED 3   /* waits for the flush */
#define SENT 4
#define GIVEN_BACK 5

/* of changes: place, and whether a crash has erased it */
byte cb[CHANGES], cl[CHANGES];
bool erased[CHANGES];

/* of messages: state, own position and inherited one (branch, LSN, told), what came of it */
byte state[MESSAGES];
byte pb[MESSAGES], pl[MESSAGES], told[MESSAGES], after[MESSAGES];
byte ib[MESSAGES], il[MESSAGES], itold[MESSAGES];
bool announces[MESSAGES];
byte before[MESSAGES];         /* changes that its publisher had published or delivered: bits */
byte decided[MESSAGES];        /* at the receiver; 0, VISIBLE, ORPHANED or IN_DOUBT */
byte decided_by_p1;            /* m0 */

/* of publishers: the server that its connection leads to, the life that it knows, the life that
 * the message under way depends on, the furthest position that it has heard of */
byte connection[2], known[2], known_life[2], known_branch[2], bound_to[2], bound_life[2];
byte furthest[2], furthest_lsn[2], furthest_told[2];
byte heard[2];                 /* changes, as bits */
byte bound_lsn[2];             /* read inside the transaction */
#if AGAIN
byte shown_branch = NONE, shown_lsn;   /* by P1's server, when it delivered */
#endif
#if OWN == BY_LIFE
byte former[2], former_life[2], former_branch[2];   /* known before */
#endif
byte moves;
byte half = NONE, half_life;   /* of the receiver's reading, where it has two halves */

hidden byte rb, rl, c, k, verdict_of, counts, aside;

#define CHANGE(m_) (m_ == 0 -> 0 : (m_ == 2 -> 1 : 2))
#define MAY_HEAL (role[READER] != DEAD && (PUBLISHERS < 2 || role[P1_READS] != DEAD))
#define IS_BOUND(p_) (bound_to[p_] == connection[p_] && bound_life[p_] == life[connection[p_]])
/* It leads to a primary, and without a pooler to the life where it was opened. */
#define OPEN(p_) (role[connection[p_]] == PRIMARY && \
                  (POOLER || OWN || known_life[p_] == life[connection[p_]]))

/* The peer does, and remembers which one it knew. */
inline Meet(p_, s_) {
#if OWN == BY_LIFE
  former[p_] = known[p_]; former_life[p_] = known_life[p_]; former_branch[p_] = known_branch[p_];
#endif
  known[p_] = s_; known_life[p_] = life[s_]; known_branch[p_] = branch[s_]
}
inline Connect(p_, s_) { connection[p_] = s_; Meet(p_, s_) }
inline Erased(s_) {
  i = 0;
  do
  :: i < CHANGES ->
     if
     :: cb[i] == branch[s_] && cl[i] > flushed[s_] -> erased[i] = 1
     :: else
     fi;
     i++
  :: else -> break
  od
}
inline Promoted(s_) { skip }
inline Healed(s_) {
  t = 0;
  do
  :: t < PUBLISHERS ->
     if
     :: POOLER -> connection[t] = s_
     :: !POOLER && (connection[t] != s_ || known[t] != s_ || known_life[t] != life[s_]) ->
        Connect(t, s_)
     :: else
     fi;
     t++
  :: else -> break
  od;
  moves = MOVES
}

#include "servers.pml"

/* The truth of change c_ on a server that is at (sb_, sl_). */
inline Truth_of(c_, sb_, sl_) {
  if
  :: erased[c_] -> truth = LOST
  :: else -> Truth_at(sb_, sl_, cb[c_], cl[c_])
  fi
}

#include "publishing.pml"
#include "deciding.pml"

proctype Publisher(byte p) {
end:
  do
  /* Under OWN `connection` is the application's, and `known` is where its peer asks. */
#define MOVE(s_) \
  d_step { (POOLER || OWN) && !healed && moves < MOVES && role[s_] == PRIMARY && \
           connection[p] != s_ -> \
       moves++; connection[p] = s_; printf("the pooler leads P%d to server %d\n", p, s_) }
#define OPEN_ANEW(s_) \
  d_step { !POOLER && !OWN && !healed && moves < MOVES && role[s_] == PRIMARY && !OPEN(p) -> \
       moves++; Connect(p, s_); printf("P%d connects with server %d\n", p, s_) }
#define MEETS(s_) \
  d_step { OWN == BY_LIFE && !healed && moves < MOVES && role[s_] == PRIMARY && \
           (known[p] != s_ || known_life[p] != life[s_]) -> \
       moves++; Meet(p, s_); printf("the peer of P%d meets server %d\n", p, s_) }
  :: MEETS(0)
  :: MEETS(1)
  :: MEETS(2)
  :: MOVE(0)
  :: MOVE(1)
  :: MOVE(2)
  :: OPEN_ANEW(0)
  :: OPEN_ANEW(1)
  :: OPEN_ANEW(2)
  :: d_step { p == 0 && state[0] == NOT_YET && OPEN(0) -> Commit(0, 0) }
  :: d_step { p == 0 && SILENT && state[0] >= SENT && state[1] == NOT_YET ->
       Send_without_change(0, 1) }
  :: d_step { p == 0 && LAST_MESSAGE && healed && state[3] == NOT_YET && OPEN(0) &&
              (state[1] == SENT || (!SILENT && state[0] >= SENT)) -> Commit(0, 3) }
  :: d_step { p == 1 && state[2] == NOT_YET && OPEN(1) -> Commit(1, 2) }
  :: d_step { p == 1 && state[2] == NOT_YET && decided_by_p1 != 0 -> Send_without_change(1, 2) }
#if AGAIN
  :: d_step { p == 1 && state[2] == SENT && announces[2] && state[4] == NOT_YET ->
       Send_without_change(1, 4) }
#endif
#define LATELY(m_) \
  d_step { p == (m_ == 2 -> 1 : 0) && state[m_] == COMMITTED -> \
       Publish(p, m_); printf("P%d publishes m%d\n", p, m_) }
  :: LATELY(0)
  :: LATELY(2)
  :: LATELY(3)
#define ANSWERED(m_) \
  d_step { p == (m_ == 2 -> 1 : 0) && OPEN(p) && (state[m_] == PUBLISHED || \
           (state[m_] == POSITIONED && (flushed[connection[p]] >= pl[m_] || !IS_BOUND(p)))) -> \
       Answer(p, m_) }
  :: ANSWERED(0)
  :: ANSWERED(2)
  :: ANSWERED(3)
  /* P1 reads a server and delivers m0, too. */
  :: d_step { p == 1 && state[0] == SENT && decided_by_p1 == 0 && role[P1_READS] != DEAD &&
              (!healed || (branch[P1_READS] == branch[survivor] &&
                           lsn[P1_READS] == flushed[survivor])) ->
       rb = branch[P1_READS]; rl = lsn[P1_READS];
       Verdict(0, nameless[P1_READS]);
       if
       :: verdict_of != PENDING -> printf("at P1: "); Judge(P1_READS, 0)
       :: else
       fi;
       decided_by_p1 = verdict_of;
       if
       :: verdict_of == VISIBLE ->
#if AGAIN
          shown_branch = rb; shown_lsn = rl;
#endif
          Hear_of(1, pb[0], pl[0], told[0]); heard[1] = heard[1] | 1
       :: else
       fi }
  od
}

init {
  d_step {
    Start_servers();
    furthest[0] = NONE; furthest[1] = NONE;
    i = 0; do :: i < CHANGES -> cb[i] = NONE; i++ :: else -> break od;
    i = 0; do :: i < MESSAGES -> pb[i] = NONE; ib[i] = NONE; i++ :: else -> break od;
    if :: PUBLISHERS == 1 -> state[2] = GIVEN_BACK :: else fi;
    if
    :: SPLIT ->   /* server 0 is dead, 1 and 2 have each begun a timeline 2 */
       branches = 3;
       parent[1] = 0; begin[1] = 1; number[1] = 2;
       parent[2] = 0; begin[2] = 2; number[2] = 2;
       role[0] = DEAD; lsn[0] = 2; flushed[0] = 2;
       role[1] = PRIMARY; branch[1] = 1; flushed[1] = 1;
       role[2] = PRIMARY; branch[2] = 2; lsn[2] = 2; flushed[2] = 2;
       Connect(0, 1); Connect(1, 2)
    :: else
    fi
  };
  atomic {
    run Server(0); run Server(1); run Server(2);
    run Publisher(0);
    if :: PUBLISHERS > 1 -> run Publisher(1) :: else fi;
    run Receiver()
  }
}

#ifdef LIVENESS
/* Whatever the trouble was, once it is over each message is decided, and a new one delivered. */
ltl decided_at_last {
  [] (healed -> <> (IS_OVER(0) && (state[1] == NOT_YET || IS_OVER(1)) &&
                    (state[2] == NOT_YET || IS_OVER(2)) &&
                    (state[3] == NOT_YET || decided[3] == VISIBLE)))
}
#endif
