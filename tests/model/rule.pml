/* The product's rule, on what servers tell: lib/gate/visibility_postgres.cpp over kinship() of
 * lib/message/history.cpp, line by line.
 *
 * A history is told as a chain of entries (number, begin, promotion time) from the root. Unknown
 * parts compare equal. How much of it counts is RULE:
 *
 *   NAMES   numbers, begins and times: the product
 *   CHAIN   numbers and begins of the whole chain
 *   LAST    a position tells number and begin of its last timeline alone
 *   NUMBER  a position tells the number of its last timeline alone
 *
 * `told` says from which branch on the teller knew promotion times; BARE: it told the number of
 * the last timeline only, as SQL does (tidegate/commit.hpp).
 *
 * NO_WAY_BACK: a server that has gone past a fork is not taken to have left the other side. The
 * product does not do that.
 */
#define NUMBER 0
#define LAST 1
#define CHAIN 2
#define NAMES 3
#ifndef RULE
#define RULE NAMES
#endif
#define BARE 254
#ifndef NO_WAY_BACK
#define NO_WAY_BACK 0
#endif

/* verdicts */
#define PENDING 0
#define VISIBLE 1
#define ORPHANED 2
#define IN_DOUBT 3

/* kinds of kinship */
#define SAME 0
#define ANCESTOR 1
#define DESCENDANT 2
#define APART 3

hidden byte way_p[BRANCHES], way_q[BRANCHES];
hidden byte np, nq, first, kin, left_at, verdict;

/* The branches on the way to b_, from the root. (An inline takes no array.) */
#define WAY(way_, count_, b_) \
  count_ = 0; x = b_; \
  do \
  :: x == NONE -> break \
  :: else -> count_++; x = parent[x] \
  od; \
  i = count_; x = b_; \
  do \
  :: i == 0 -> break \
  :: else -> i--; way_[i] = x; x = parent[x] \
  od

#define ONLY_LAST(told_) (RULE <= LAST || told_ == BARE)
#define NO_BEGIN(told_) (RULE == NUMBER || told_ == BARE)
#define SAME_NAME(p_, told_p, q_, told_q) \
  (RULE != NAMES || told_p == BARE || p_ == q_ || p_ < told_p || q_ < told_q)

/* How the way to position (b_, l_) stands to the history of branch q_. */
inline Kinship(b_, l_, told_p, q_, told_q) {
  t = b_;
  do   /* what lies at the begin of a timeline lies on the one before it */
  :: !ONLY_LAST(told_p) && parent[t] != NONE && begin[t] >= l_ -> t = parent[t]
  :: else -> break
  od;
  WAY(way_p, np, t);
  WAY(way_q, nq, q_);
  first = (ONLY_LAST(told_p) -> np - 1 : 0);
  i = first;
  do
  :: i < np && i < nq &&
     (NO_BEGIN(told_p) || begin[way_p[i]] == begin[way_q[i]]) &&
     SAME_NAME(way_p[i], told_p, way_q[i], told_q) -> i++
  :: else -> break
  od;
  if
  :: first >= nq -> kin = DESCENDANT; left_at = NONE
  :: first < nq && i == np && i == nq -> kin = SAME
  :: first < nq && i == np && i < nq -> kin = ANCESTOR; left_at = begin[way_q[i]]
  :: first < nq && i < np && i == nq ->
     kin = DESCENDANT; left_at = (NO_BEGIN(told_p) -> NONE : begin[way_p[i]])
  :: else ->
     kin = APART; left_at = begin[way_q[i]];
     if
     :: !NO_BEGIN(told_p) && begin[way_p[i]] < left_at -> left_at = begin[way_p[i]]
     :: else
     fi
  fi
}

/* The verdict on position (b_, l_), whose change lies behind after_ (0: not known), by a reading
 * (q_, r_) of a server. */
inline Rule(b_, l_, after_, told_p, q_, r_, told_q) {
  Kinship(b_, l_, told_p, q_, told_q);
  if
  :: kin == SAME || (kin == ANCESTOR && l_ <= left_at) ->
     verdict = (r_ >= l_ -> VISIBLE : PENDING)
  :: kin == DESCENDANT && (r_ <= left_at || NO_WAY_BACK) -> verdict = PENDING
  :: else -> verdict = (after_ >= left_at -> ORPHANED : IN_DOUBT)
  fi
}
