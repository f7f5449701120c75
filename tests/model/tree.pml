/* The tree of histories, and what is true of a place in it.
 *
 * A cluster's log is a tree of branches: a promotion begins one, at the place where its server is.
 * A place is (branch, LSN); its path leads from the root to it. A server is at a place, and shows
 * the changes whose commit records lie on its path. Within a life of the server (from one start
 * or recovery to the next) the path only grows.
 *
 * A branch's index here is its true name, and no code of the product sees it: PostgreSQL tells
 * the branch's number, its begin and the time of its promotion (rule.pml). All in this file judges
 * by true names. Records are numbered one by one, so a branch's LSNs are small; 0 means "not
 * known", and the log begins with record 1.
 */
#ifndef BRANCHES
#define BRANCHES 3
#endif
#ifndef SERVERS
#define SERVERS 3
#endif
#ifndef UNMARKED   /* does a promotion write no record of its own? PostgreSQL does write one */
#define UNMARKED 0
#endif
#define NONE 255

/* roles */
#define DEAD 0
#define STANDBY 1
#define PRIMARY 2

/* truths: the place is on the server's path, it never will be in this life, it may be */
#define WAIT 0
#define COVERED 1
#define LOST 2

byte parent[BRANCHES], begin[BRANCHES], number[BRANCHES];
byte branches = 1;

byte role[SERVERS], branch[SERVERS], lsn[SERVERS], flushed[SERVERS], life[SERVERS];
/* the server can't tell when the branches before this one were promoted: it was rebuilt since */
byte nameless[SERVERS];

/* Scratch of one step; hidden from the state, so each step sets it before it reads it. */
hidden byte x, e, i, n, t, at, truth, inside;

/* Does the path of (b_, l_) go through (of_, at_)? */
inline On_path(of_, at_, b_, l_) {
  x = b_; e = l_; inside = 0;
  do
  :: x == of_ -> inside = (at_ <= e -> 1 : 0); break
  :: x != of_ && parent[x] == NONE -> break
  :: else -> if :: begin[x] < e -> e = begin[x] :: else fi; x = parent[x]
  od
}

/* Where the way to branch to_ leaves branch of_, in e: NONE if it ends there. x is NONE if the way
 * does not come through of_, else of_; n is the branch that it takes next. */
inline Exit(of_, to_) {
  x = to_; e = NONE; n = NONE;
  do
  :: x == of_ -> break
  :: x != of_ && parent[x] == NONE -> x = NONE; break
  :: else -> e = begin[x]; n = x; x = parent[x]
  od
}

/* The truth of place (b_, l_) on a server that is at (sb_, sl_). The very begin of a branch is a
 * place of the one before it. */
inline Truth_at(sb_, sl_, b_, l_) {
  at = b_;
  do
  :: parent[at] != NONE && begin[at] >= l_ -> at = parent[at]
  :: else -> break
  od;
  On_path(at, l_, sb_, sl_);
  if
  :: inside -> truth = COVERED
  :: else ->
     Exit(at, sb_);
     if
     :: x != NONE -> truth = (l_ > e -> LOST : WAIT)
     :: else ->
        Exit(sb_, at);
        truth = (x != NONE && sl_ <= e -> WAIT : LOST)
     fi
  fi
}

/* A promise that is broken ends the search; the trail names it. */
#define PROMISE(name_, holds_) \
  if :: holds_ -> skip :: else -> printf(name_); assert(false) fi
