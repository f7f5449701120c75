/* A reader of the outbox against servers that fail over: each row that survives comes once, and a
 * past that was undone is told. lib/outbox/reader.cpp, step by step.
 *
 * A transaction announces itself by one row, so the row is there exactly where its commit record
 * is. It gets its id when it begins, and ends, by COMMIT or ROLLBACK, in any order. A server that
 * has not seen an id in the log gives it once more: behind a failover or a crash the same id may
 * name another transaction. The reader keeps the id before which all are settled, the set of those
 * behind it that it has got, and the place of the server that showed them; so does its cursor, with
 * an earlier state to go back to. It may be killed, and may come to read the other server.
 *
 * The histories are known by their true names here; rule.pml has what that takes.
 *
 * Switches for rules that the reader does not follow: BY_HIGHEST (asks for ids behind the highest
 * that it has), NO_PLACE (the cursor does not say where), TIDE_FIRST (the place is read before the
 * rows), UNFLUSHED (rows of a primary count before they are flushed), ANY_PLACE (a server counts
 * that is behind the place where the reader has been), CUT_COUNTS (a reading that was cut off
 * settles as a whole one does).
 */
#define SERVERS 2
#ifndef TRANSACTIONS
#define TRANSACTIONS 3
#endif
#ifndef KILLS          /* of the reader */
#define KILLS 1
#endif
#ifndef MOVES          /* to another server */
#define MOVES 1
#endif
#ifndef BY_HIGHEST
#define BY_HIGHEST 0
#endif
#ifndef NO_PLACE
#define NO_PLACE 0
#endif
#ifndef TIDE_FIRST
#define TIDE_FIRST 0
#endif
#ifndef UNFLUSHED
#define UNFLUSHED 0
#endif
#ifndef ANY_PLACE
#define ANY_PLACE 0
#endif
#ifndef CUT_COUNTS
#define CUT_COUNTS 0
#endif
#define WRITES 0       /* every record is the end of a transaction */

#include "tree.pml"

/* states of a transaction */
#define NOT_BEGUN 0
#define RUNNING 1
#define COMMITTED 2
#define ROLLED_BACK 3
#define ERASED 4       /* by a crash: it was running, or its end was not flushed */

byte txn[TRANSACTIONS], id[TRANSACTIONS], on[TRANSACTIONS], tb[TRANSACTIONS], tl[TRANSACTIONS];
byte next_id[SERVERS];
byte first_id[BRANCHES];       /* all earlier ids are settled on the branch */

/* the reader; sets of ids and of transactions are bits */
byte reads = 1, kills, moves;
byte seen = NONE, seen_lsn, settled, delivered, done, under_way;
byte mark = NONE, mark_lsn, mark_settled, mark_done;
byte before = NONE, before_lsn, before_settled, before_done;
/* its cursor, as it is written down */
byte saved = NONE, saved_lsn, saved_settled, saved_done;
byte saved_before = NONE, saved_before_lsn, saved_before_settled, saved_before_done;
/* a reading under way */
byte step, read_life, rows, horizon, place = NONE, place_lsn;
bool cut;

/* of the application, by transaction: has taken it since it was last told of a loss; ever; has
 * taken it and was not told since */
byte took, ever, untold;

/* For liveness the reader looks, behind the healing, only as long as there may be something: its
 * steps then change something, and every run comes to rest. */
#ifdef LIVENESS
bool complete, again;
byte looked;          /* where the server was then */
#define LOOKED(lsn_) looked = lsn_
#define AGAIN(is_) again = is_
#define IS_AT_REST (flushed[survivor] == lsn[survivor] && branch[reads] == branch[survivor] && \
                    lsn[reads] == lsn[survivor])
#define MAY_LOOK \
  (!healed || (IS_AT_REST && IS_OVER(0) && IS_OVER(1) && \
               (again || seen != branch[survivor] || seen_lsn != lsn[survivor])))
#else
#define LOOKED(lsn_) skip
#define AGAIN(is_) skip
#define MAY_LOOK 1
#endif

hidden byte u, v, w, lost, visible_rows, floor;

#define MAY_HEAL 1
#define BIT(i_) (1 << (i_))
#define IS_OVER(t_) (txn[t_] > RUNNING)
#define ENDED(t_) (txn[t_] == COMMITTED || txn[t_] == ROLLED_BACK)

/* The first record of a branch settles what was running: it is known behind that. */
#define FIRST_ID(b_, l_) \
  first_id[(l_ > begin[b_] || UNMARKED || parent[b_] == NONE -> b_ : parent[b_])]

/* One more than the highest id whose end is on the path, in v. */
inline Next_id(b_, l_) {
  u = 0; v = FIRST_ID(b_, l_);
  do
  :: u < TRANSACTIONS ->
     On_path(tb[u], tl[u], b_, l_);
     if
     :: ENDED(u) && inside && id[u] >= v -> v = id[u] + 1
     :: else
     fi;
     u++
  :: else -> break
  od
}
inline Erased(s_) {
  w = 0;
  do
  :: w < TRANSACTIONS ->
     if
     :: (txn[w] == RUNNING && on[w] == s_) ||
        (ENDED(w) && tb[w] == branch[s_] && tl[w] > flushed[s_]) -> txn[w] = ERASED
     :: else
     fi;
     w++
  :: else -> break
  od;
  Next_id(branch[s_], flushed[s_]);
  next_id[s_] = v
}
inline Promoted(s_) {
  first_id[branch[s_]] = first_id[parent[branch[s_]]];
  Next_id(branch[s_], lsn[s_]);
  next_id[s_] = v; first_id[branch[s_]] = v
}
inline Healed(s_) {
  w = 0;
  do   /* what runs on a server that is rebuilt is lost */
  :: w < TRANSACTIONS ->
     txn[w] = (txn[w] == RUNNING && on[w] != s_ -> ERASED : txn[w]);
     w++
  :: else -> break
  od;
  moves = MOVES; kills = KILLS;
  /* Somebody writes again. A server that stays at the very fork of a lost branch could still go
   * there, and nobody would be told. */
  lsn[s_]++; flushed[s_] = lsn[s_]
}

#include "servers.pml"

/* --- a reading ------------------------------------------------------------------------------ */

#define IS_NEW(t_) (id[t_] >= settled && !(delivered & BIT(id[t_])))

/* The transactions whose rows a server shows and the reader has not got, as bits. */
inline Visible_rows(s_) {
  visible_rows = 0; w = 0;
  do
  :: w < TRANSACTIONS ->
     On_path(tb[w], tl[w], branch[s_], lsn[s_]);
     visible_rows = (txn[w] == COMMITTED && inside && IS_NEW(w) ->
                     visible_rows | BIT(w) : visible_rows);
     w++
  :: else -> break
  od
}
/* pg_snapshot_xmin: a primary knows what runs, a standby takes for running what has not ended. */
inline Horizon(s_) {
  Next_id(branch[s_], lsn[s_]);
  horizon = (role[s_] == PRIMARY -> next_id[s_] : v);
  floor = (role[s_] == PRIMARY -> next_id[s_] : FIRST_ID(branch[s_], lsn[s_]));
  w = 0;
  do
  :: w < TRANSACTIONS && role[s_] == PRIMARY ->
     horizon = (txn[w] == RUNNING && on[w] == s_ && id[w] < horizon -> id[w] : horizon);
     w++
  :: else -> break
  od;
  do
  :: floor < horizon ->
     u = 0; v = 0;
     do
     :: u < TRANSACTIONS ->
        On_path(tb[u], tl[u], branch[s_], lsn[s_]);
        v = (ENDED(u) && inside && id[u] == floor -> 1 : v);
        u++
     :: else -> break
     od;
     horizon = (v == 0 -> floor : horizon);
     floor++
  :: else -> break
  od
}
/* In w the row with the lowest id of a set of them. */
inline Lowest(set_) {
  u = 0; w = NONE;
  do
  :: u < TRANSACTIONS ->
     w = ((set_ & BIT(u)) && (w == NONE || id[u] < id[w]) -> u : w);
     u++
  :: else -> break
  od
}
inline Look(s_) {
  Visible_rows(s_);
  rows = visible_rows;
  Horizon(s_);
  read_life = life[s_]; LOOKED(lsn[s_]);
  printf("the reader looks at server %d, at %d:%d (branch %d): rows %d, settled before %d\n",
         s_, PLACE(s_), rows, horizon)
}
/* No more than one row fits. */
inline Cut_off() {
  Lowest(rows);
  cut = 1;
  rows = BIT(w);
  printf("only the row of transaction %d fits\n", id[w])
}
inline See(s_) {
  place = branch[s_]; place_lsn = lsn[s_]; read_life = life[s_];
  printf("the reader hears where server %d is: %d:%d (branch %d)\n", s_, PLACE(s_))
}
inline Forget_reading() {
  step = 0; read_life = 0; rows = 0; horizon = 0; place = NONE; place_lsn = 0; cut = 0
}

/* --- the reader ----------------------------------------------------------------------------- */

inline Has_left(b_, l_) {
  lost = 0;
  if
  :: b_ != NONE && !NO_PLACE -> Truth_at(place, place_lsn, b_, l_); lost = (truth == LOST)
  :: else
  fi
}
#define ID_BITS_FROM(v_) (255 - (BIT(v_) - 1))
inline Begin_at(b_, l_, settled_, done_) {
  seen = b_; seen_lsn = l_; settled = settled_; delivered = done_; done = done_; under_way = 0
}
/* present() of the reader, but for the place: v is the id before which all rows are done. */
inline Done_before() {
  Lowest(under_way);
  v = (w != NONE && id[w] < settled -> id[w] : settled);
  done = done & ID_BITS_FROM(v)
}
inline Save() {
  Done_before();
  saved = seen; saved_lsn = seen_lsn; saved_settled = v; saved_done = done;
  if
  :: before != NONE -> saved_before = before; saved_before_lsn = before_lsn;
                       saved_before_settled = before_settled; saved_before_done = before_done
  :: else -> saved_before = mark; saved_before_lsn = mark_lsn;
             saved_before_settled = mark_settled; saved_before_done = mark_done
  fi
}
inline Mark() {
  Done_before();
  if
  :: mark != NONE -> before = mark; before_lsn = mark_lsn;
                     before_settled = mark_settled; before_done = mark_done
  :: else
  fi;
  mark = seen; mark_lsn = seen_lsn; mark_settled = v; mark_done = done
}
/* To a state that the server still has; the application is told. */
inline Go_back() {
  Has_left(mark, mark_lsn);
  if
  :: mark == NONE || lost ->
     mark = before; mark_lsn = before_lsn; mark_settled = before_settled; mark_done = before_done;
     before = NONE; before_lsn = 0; before_settled = 0; before_done = 0
  :: else
  fi;
  Has_left(mark, mark_lsn);
  if
  :: mark != NONE && lost -> mark = NONE; mark_lsn = 0; mark_settled = 0; mark_done = 0
  :: else
  fi;
  if
  :: mark != NONE -> Begin_at(mark, mark_lsn, mark_settled, mark_done)
  :: else -> Begin_at(place, place_lsn, 0, 0)
  fi;
  untold = 0; w = 0;
  do
  :: w < TRANSACTIONS ->
     took = (id[w] < settled || (done & BIT(id[w])) -> took : took & (255 - BIT(w)));
     w++
  :: else -> break
  od;
  AGAIN(1);
  printf("the reader tells a past that was undone, and goes back to %d\n", settled)
}
/* Not yet where the reader has been: another server. */
inline Is_behind() {
  if
  :: seen == NONE || ANY_PLACE || NO_PLACE -> w = 0
  :: else -> Truth_at(place, place_lsn, seen, seen_lsn); w = (truth != COVERED)
  fi
}
inline Take() {
  Has_left(seen, seen_lsn);
  Is_behind();
  if
  :: lost -> Go_back()
  :: !lost && w ->
     printf("that server is behind: the reading does not count\n")
  :: else ->
     AGAIN(cut || looked != place_lsn);
     w = 0; v = 0;
     do
     :: w < TRANSACTIONS ->
        if
        :: (rows & BIT(w)) && IS_NEW(w) ->
           delivered = delivered | BIT(id[w]); under_way = under_way | BIT(w);
           v = (id[w] > v -> id[w] : v);
           printf("the row of transaction %d is handed out\n", id[w])
        :: else
        fi;
        w++
     :: else -> break
     od;
     horizon = (cut && !CUT_COUNTS && v < horizon -> v : horizon);
     horizon = (BY_HIGHEST -> v + 1 : horizon);
     seen = place; seen_lsn = place_lsn;
     settled = (horizon > settled -> horizon : settled);
     delivered = delivered & ID_BITS_FROM(settled);
     Done_before()
  fi;
  Forget_reading()
}

#define SAME_LIFE (read_life == life[reads] && role[reads] != DEAD)

active proctype Reader() {
end:
  do
  /* step 1 has rows, 2 has a place, 3 both */
  :: d_step { step == 0 && role[reads] != DEAD && MAY_LOOK && !TIDE_FIRST -> Look(reads); step = 1 }
  :: d_step { step == 0 && role[reads] != DEAD && MAY_LOOK && TIDE_FIRST -> See(reads); step = 2 }
  :: d_step { step == 1 && SAME_LIFE && (rows & (rows - 1)) != 0 ->
       Cut_off(); See(reads); step = 3 }
  :: d_step { step == 1 && SAME_LIFE -> See(reads); step = 3 }
  :: d_step { step == 2 && SAME_LIFE -> Look(reads); step = 3 }
  :: d_step { step == 3 && SAME_LIFE && (UNFLUSHED || role[reads] == STANDBY ||
              flushed[reads] >= place_lsn) -> Take() }
  :: d_step { step == 3 && SAME_LIFE && (UNFLUSHED || role[reads] == STANDBY ||
              flushed[reads] >= place_lsn) -> Take(); Mark(); Save() }
  :: d_step { step != 0 && !SAME_LIFE -> Forget_reading() }
  /* the application */
#define TAKES(t_) \
  d_step { under_way & BIT(t_) -> \
       printf("the application takes the row of transaction %d\n", id[t_]); \
       PROMISE("BROKEN once: a row that was taken does not come again\n", !(took & BIT(t_))); \
       took = took | BIT(t_); ever = ever | BIT(t_); untold = untold | BIT(t_); \
       under_way = under_way & (255 - BIT(t_)); done = done | BIT(id[t_]); Save() }
  :: TAKES(0)
  :: TAKES(1)
#if TRANSACTIONS > 2
  :: TAKES(2)
#endif
  :: d_step { kills < KILLS ->
       kills++; Forget_reading(); AGAIN(1);
       Begin_at(saved, saved_lsn, saved_settled, saved_done);
       before = saved_before; before_lsn = saved_before_lsn;
       before_settled = saved_before_settled; before_done = saved_before_done;
       mark = NONE; mark_lsn = 0; mark_settled = 0; mark_done = 0;
       printf("the reader is killed, and begins at its cursor\n") }
  :: d_step { moves < MOVES && role[1 - reads] != DEAD ->
       moves++; Forget_reading(); reads = 1 - reads;
       printf("the reader comes to read server %d\n", reads) }
#ifdef LIVENESS
  :: d_step { healed && !complete && IS_AT_REST && step == 0 && under_way == 0 && !again &&
              seen == branch[survivor] && seen_lsn == lsn[survivor] && IS_OVER(0) && IS_OVER(1) ->
       Visible_rows(reads);
       complete = (visible_rows == 0); w = 0 }
#else
  /* all is at rest, and the reader has read it */
  :: d_step { healed && step == 0 && under_way == 0 && seen == branch[survivor] &&
              seen_lsn == lsn[survivor] && flushed[survivor] == lsn[survivor] &&
              branch[reads] == branch[survivor] && lsn[reads] == lsn[survivor] ->
       Visible_rows(reads);
       if
       :: visible_rows == 0 ->
          w = 0;
          do
          :: w < TRANSACTIONS ->
             On_path(tb[w], tl[w], branch[reads], lsn[reads]);
             inside = (txn[w] == COMMITTED && inside -> 1 : 0);
             PROMISE("BROKEN all: a row that survives comes\n", !inside || (ever & BIT(w)));
             PROMISE("BROKEN told: a past that was undone is told\n", inside || !(untold & BIT(w)));
             w++
          :: else -> break
          od
       :: else
       fi;
       w = 0 }
#endif
  od
}

/* --- the application that writes ------------------------------------------------------------- */

active proctype Writer() {
end:
  do
#define BEGINS(t_, s_) \
  d_step { txn[t_] == NOT_BEGUN && (t_ == 0 || txn[t_ - 1] != NOT_BEGUN) && LIVES(s_) -> \
       txn[t_] = RUNNING; id[t_] = next_id[s_]; next_id[s_]++; on[t_] = s_; \
       printf("transaction %d begins on server %d\n", id[t_], s_) }
#define ENDS(t_) \
  d_step { txn[t_] == RUNNING && LIVES(on[t_]) -> \
       txn[t_] = COMMITTED; lsn[on[t_]]++; tb[t_] = branch[on[t_]]; tl[t_] = lsn[on[t_]]; \
       printf("transaction %d commits on server %d, at %d:%d (branch %d)\n", \
              id[t_], on[t_], PLACE(on[t_])) } \
  :: d_step { txn[t_] == RUNNING && LIVES(on[t_]) -> \
       txn[t_] = ROLLED_BACK; lsn[on[t_]]++; tb[t_] = branch[on[t_]]; tl[t_] = lsn[on[t_]]; \
       printf("transaction %d rolls back on server %d, at %d:%d (branch %d)\n", \
              id[t_], on[t_], PLACE(on[t_])) }
  :: BEGINS(0, 0)
  :: BEGINS(0, 1)
  :: BEGINS(1, 0)
  :: BEGINS(1, 1)
  :: ENDS(0)
  :: ENDS(1)
#if TRANSACTIONS > 2
  :: BEGINS(2, 0)
  :: BEGINS(2, 1)
  :: ENDS(2)
#endif
  od
}

init {
  d_step {
    Start_servers();
    next_id[0] = 1; first_id[0] = 1
  };
  atomic { run Server(0); run Server(1) }
}

#ifdef LIVENESS
/* Whatever the trouble was, once it is over the reader comes to an end with every row. */
ltl all_rows_at_last { [] (healed -> <> complete) }
#endif
