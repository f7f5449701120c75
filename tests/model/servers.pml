/* Servers that live through what clusters live through.
 *
 * Trouble: a primary dies or crashes and loses what it had not flushed, so that its LSNs are used
 * again; a standby crashes and comes back with less; a dead primary comes back as it was
 * (failback, or a second primary), or is rebuilt as a standby; a standby is promoted, also two of
 * them apart, to one number. Progress: a primary flushes, a standby replays record by record, and
 * goes over a fork if it is not past it.
 *
 * A promotion writes and flushes a record of its own before anything else, as PostgreSQL does.
 *
 * `healed` ends the trouble: one primary remains, and the others follow it or are rebuilt from
 * it. Behind it no step leaves the state as it is, so every run comes to rest, and liveness needs
 * no assumption of fairness.
 *
 * The including model has the bounds of the trouble, and says in Erased(s) and Healed(s) what that
 * does to the rest of it.
 */
#ifndef DEATHS
#define DEATHS 1
#endif
#ifndef CRASHES
#define CRASHES 0
#endif
#ifndef RETURNS
#define RETURNS 0
#endif
#ifndef WRITES     /* records of other sessions */
#define WRITES 1
#endif
#ifndef TWINS      /* may two servers be promoted off one branch at one LSN? */
#define TWINS 1
#endif
#ifndef NAMELESS   /* does a rebuilt standby know no promotion time of before? */
#define NAMELESS 0
#endif

byte deaths, crashes, returns, writes;
bool healed;
byte survivor = NONE;

#define LIVES(p_) (role[p_] == PRIMARY && (!healed || survivor == p_))
#define PLACE(s_) number[branch[s_]], lsn[s_], branch[s_]

inline Rebuild(s_, p_) {
  role[s_] = STANDBY; branch[s_] = branch[p_]; lsn[s_] = flushed[p_]; flushed[s_] = 0; life[s_]++;
  nameless[s_] = (NAMELESS -> branches : 0)
}

/* There is a branch off the place of s_. Index 0 is the root. */
#define TWIN(q_, s_) (branches > q_ && parent[q_] == branch[s_] && begin[q_] == lsn[s_])
#if BRANCHES > 4
#define HAS_TWIN(s_) (TWIN(1, s_) || TWIN(2, s_) || TWIN(3, s_) || TWIN(4, s_))
#elif BRANCHES > 3
#define HAS_TWIN(s_) (TWIN(1, s_) || TWIN(2, s_) || TWIN(3, s_))
#else
#define HAS_TWIN(s_) (TWIN(1, s_) || TWIN(2, s_))
#endif

#define GRAND(p_) parent[branch[p_]]
/* Replay by s_ from primary p_ can do something. */
#define CAN_REPLAY(s_, p_) (role[s_] == STANDBY && LIVES(p_) && \
  ((branch[s_] == branch[p_] && lsn[s_] < flushed[p_]) || \
   (GRAND(p_) != NONE && (GRAND(p_) == branch[s_] || (parent[GRAND(p_)] == branch[s_])) && \
    lsn[s_] <= (GRAND(p_) == branch[s_] -> begin[branch[p_]] : begin[GRAND(p_)]))))

inline Replay(s_, p_) {
  Exit(branch[s_], branch[p_]);
  if
  :: lsn[s_] < e -> lsn[s_]++; printf("server %d replays %d:%d (branch %d)\n", s_, PLACE(s_))
  :: else -> branch[s_] = n; printf("server %d follows to timeline %d (branch %d)\n",
                                    s_, number[n], n)
  fi
}

proctype Server(byte s) {
end:
  do
  /* --- trouble --- */
  :: d_step { !healed && deaths < DEATHS && role[s] == PRIMARY ->
       deaths++; Erased(s); lsn[s] = flushed[s]; role[s] = DEAD;
       printf("server %d dies at %d:%d (branch %d)\n", s, PLACE(s)) }
  :: d_step { !healed && crashes < CRASHES && role[s] == PRIMARY ->
       crashes++; Erased(s); lsn[s] = flushed[s]; life[s]++;
       printf("primary %d crashes and is back at %d:%d (branch %d)\n", s, PLACE(s)) }
  :: d_step { !healed && crashes < CRASHES && role[s] == STANDBY && lsn[s] > 1 &&
              lsn[s] > begin[branch[s]] ->
       crashes++; lsn[s]--; life[s]++;
       printf("standby %d crashes and is back at %d:%d (branch %d)\n", s, PLACE(s)) }
  :: d_step { !healed && returns < RETURNS && role[s] == DEAD ->
       returns++; role[s] = PRIMARY; life[s]++;
       printf("server %d comes back as the primary it was, at %d:%d (branch %d)\n", s, PLACE(s)) }
#define REBUILD(p_) \
  d_step { !healed && returns < RETURNS && role[s] == DEAD && role[p_] == PRIMARY -> \
       returns++; Rebuild(s, p_); \
       printf("server %d is rebuilt as a standby of %d, at %d:%d (branch %d)\n", s, p_, PLACE(s)) }
  :: REBUILD(0)
  :: REBUILD(1)
#if SERVERS > 2
  :: REBUILD(2)
#endif
  :: d_step { !healed && role[s] == STANDBY && branches < BRANCHES && (TWINS || !HAS_TWIN(s)) ->
       parent[branches] = branch[s]; begin[branches] = lsn[s];
       number[branches] = number[branch[s]] + 1;
       role[s] = PRIMARY; branch[s] = branches; branches++;
       lsn[s] = lsn[s] + 1 - UNMARKED; flushed[s] = lsn[s];
       Promoted(s);
       printf("server %d is promoted: timeline %d begins at LSN %d (branch %d)\n",
              s, number[branch[s]], begin[branch[s]], branch[s]) }
  :: d_step { !healed && writes < WRITES && role[s] == PRIMARY ->
       writes++; lsn[s]++;
       printf("another session writes on server %d: %d:%d (branch %d)\n", s, PLACE(s)) }
  /* --- the trouble is over --- */
  :: d_step { !healed && role[s] == PRIMARY && MAY_HEAL ->
       healed = 1; survivor = s; flushed[s] = lsn[s];
       deaths = 0; crashes = 0; returns = 0; writes = 0;
       printf("healed: server %d is the primary, at %d:%d (branch %d)\n", s, PLACE(s));
       t = 0;
       do
       :: t < SERVERS ->
          if
          :: t == s -> skip
          :: else ->
             Exit(branch[t], branch[s]);
             if
             :: role[t] == STANDBY && x != NONE && lsn[t] <= (e == NONE -> flushed[s] : e) &&
                (n == NONE || n == branch[s] || n == parent[branch[s]]) -> skip
             :: else -> Rebuild(t, s); printf("server %d is rebuilt from it\n", t)
             fi
          fi;
          t++
       :: else -> break
       od;
       Healed(s) }
  /* --- progress --- */
  :: d_step { LIVES(s) && flushed[s] < lsn[s] ->
       flushed[s] = lsn[s]; printf("server %d flushes up to %d:%d (branch %d)\n", s, PLACE(s)) }
  :: d_step { CAN_REPLAY(s, 0) -> Replay(s, 0) }
  :: d_step { CAN_REPLAY(s, 1) -> Replay(s, 1) }
#if SERVERS > 2
  :: d_step { CAN_REPLAY(s, 2) -> Replay(s, 2) }
#endif
  od
}

inline Start_servers() {
  parent[0] = NONE; number[0] = 1;
  role[0] = PRIMARY; lsn[0] = 1; flushed[0] = 1;
  t = 1;
  do
  :: t < SERVERS -> role[t] = STANDBY; lsn[t] = 1; t++
  :: else -> break
  od
}
