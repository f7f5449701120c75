/* The way of a message out of its publisher: COMMIT, the answer that gives it a position or gives
 * it back, the flush, and the position that it inherits. Part of mesh.pml, whose variables it works
 * on.
 */

/* OutboundStream::replaces(): by the reading with which P1 has delivered, its server excludes the
 * place, and not the furthest one, which is not on the way to it. (To publish behind two places
 * that it excludes would take two changes of its own.) */
inline Is_aside(p_, b_, l_) {
  aside = 0;
#if AGAIN
  if
  :: p_ == 1 && shown_branch != NONE && furthest[p_] != NONE && furthest[p_] != b_ ->
     On_path(furthest[p_], furthest_lsn[p_], b_, l_);
     aside = !inside;
     Truth_at(shown_branch, shown_lsn, b_, l_);
     aside = aside && truth == LOST;
     Truth_at(shown_branch, shown_lsn, furthest[p_], furthest_lsn[p_]);
     aside = aside && truth != LOST
  :: else
  fi
#endif
}
/* lib/mesh/outbound_stream: the furthest position of one way, and of two ways the one that was
 * heard of last. */
inline Hear_of(p_, b_, l_, told_) {
  Is_aside(p_, b_, l_);
  if
  :: furthest[p_] == NONE -> counts = 1
  :: furthest[p_] == b_ -> counts = (l_ > furthest_lsn[p_])
  :: MERGED && furthest[p_] != NONE && furthest[p_] != b_ ->
     counts = (number[b_] > number[furthest[p_]])
  :: else -> On_path(b_, l_, furthest[p_], furthest_lsn[p_]); counts = (inside -> 0 : 1)
  fi;
  counts = counts && (LATER_COUNTS || !aside);
  if
  :: counts ->
     furthest[p_] = b_; furthest_lsn[p_] = l_; furthest_told[p_] = told_;
     c = 0;
     do   /* causes on a history that the publisher has left count no longer */
     :: c < CHANGES ->
        if
        :: !STRICT && !aside && (heard[p_] & (1 << c)) ->
           Truth_of(c, b_, l_);
           heard[p_] = (truth == LOST -> heard[p_] & (7 - (1 << c)) : heard[p_])
        :: else
        fi;
        c++
     :: else -> break
     od
  :: else
  fi
}
/* What message m_ inherits: unless its own position implies it. */
inline Inherit(p_, m_) {
  inside = 0;
  if
  :: furthest[p_] != NONE && announces[m_] ->
     On_path(furthest[p_], furthest_lsn[p_], pb[m_], pl[m_])
  :: else
  fi;
  if
  :: furthest[p_] != NONE && !inside ->
     ib[m_] = furthest[p_]; il[m_] = furthest_lsn[p_]; itold[m_] = furthest_told[p_]
  :: else
  fi
}
inline Send(p_, m_) {
  state[m_] = SENT; before[m_] = heard[p_];
  if
  :: MERGED -> Hear_of(p_, pb[m_], pl[m_], told[m_]);
     pb[m_] = furthest[p_]; pl[m_] = furthest_lsn[p_]; told[m_] = furthest_told[p_]
  :: else -> Inherit(p_, m_); Hear_of(p_, pb[m_], pl[m_], told[m_])
  fi;
  heard[p_] = heard[p_] | (1 << CHANGE(m_));
  bound_to[p_] = 0; bound_life[p_] = 0; bound_lsn[p_] = 0;
  printf("P%d sends m%d at %d:%d (branch %d), whose change lies behind %d\n",
         p_, m_, number[pb[m_]], pl[m_], pb[m_], after[m_])
}
inline Send_without_change(p_, m_) {
  state[m_] = SENT;
  if
  :: MERGED -> pb[m_] = furthest[p_]; pl[m_] = furthest_lsn[p_]; told[m_] = furthest_told[p_]
  :: else -> Inherit(p_, m_)
  fi;
  before[m_] = heard[p_];
  printf("P%d sends m%d without a change of its own\n", p_, m_)
}
inline Give_back(p_, m_) {
  if
  :: m_ == 3 -> PROMISE("BROKEN L1: a message in a healed mesh goes out\n", false)
  :: else
  fi;
  state[m_] = GIVEN_BACK; pb[m_] = NONE; pl[m_] = 0; after[m_] = 0; told[m_] = 0;
  bound_to[p_] = 0; bound_life[p_] = 0; bound_lsn[p_] = 0;
  printf("P%d gets m%d back: nobody can vouch for its change\n", p_, m_)
}

inline Publish(p_, m_) {
  state[m_] = PUBLISHED;
  if
  :: HOW == TOLD -> bound_to[p_] = known[p_]; bound_life[p_] = known_life[p_]
  :: else
  fi
}
inline Commit(p_, m_) {
  k = connection[p_]; c = CHANGE(m_);
  announces[m_] = 1;
  if
  :: HOW == BRACKETED -> bound_to[p_] = k; bound_life[p_] = life[k]; bound_lsn[p_] = lsn[k]
  :: else
  fi;
  lsn[k]++;
  flushed[k] = (SYNC -> lsn[k] : flushed[k]);
  cb[c] = branch[k]; cl[c] = lsn[k];
  printf("P%d commits change %d on server %d, at %d:%d (branch %d)\n", p_, c, k, PLACE(k));
  if
  :: LATE -> state[m_] = COMMITTED
  :: else -> Publish(p_, m_)
  fi
}
/* CommitQueue::named(), with the history of a primary that the peer has met, and what follows. */
inline Complete_and_send(p_, m_) {
  counts = 1;
#if OWN == BY_LIFE
  if
  :: known[p_] == bound_to[p_] && known_life[p_] == bound_life[p_] -> k = known_branch[p_]
  :: else -> k = former_branch[p_];
     counts = (former[p_] == bound_to[p_] && former_life[p_] == bound_life[p_])
  fi;
  counts = counts && number[k] == number[pb[m_]];
  pb[m_] = (counts -> k : pb[m_])
#elif OWN == BY_NUMBER
  k = known[p_];
  told[m_] = BARE;
  if
  :: role[k] == PRIMARY && number[branch[k]] == number[pb[m_]] ->
     pb[m_] = branch[k]; told[m_] = nameless[k]
  :: else
  fi
#endif
  ;
  if
  :: counts -> Send(p_, m_)
  :: else -> Give_back(p_, m_)
  fi
}
/* The answer of the server that the connection leads to now. */
inline Answer(p_, m_) {
  k = connection[p_];
  counts = IS_BOUND(p_);   /* the change has survived */
  if
  :: !counts && HOW == TOLD && SYNC && state[m_] == PUBLISHED && bound_to[p_] == known[p_] &&
     bound_life[p_] == known_life[p_] ->
     Kinship(known_branch[p_], NONE - 1, 0, branch[k], nameless[k]);
     counts = (kin == SAME)
  :: else
  fi;
  if
  :: !OWN -> known[p_] = k; known_life[p_] = life[k]; known_branch[p_] = branch[k]
  :: else
  fi;
  if
  :: !counts -> Give_back(p_, m_)
  :: counts && state[m_] == PUBLISHED ->
     pb[m_] = branch[k]; pl[m_] = lsn[k]; told[m_] = nameless[k];
     after[m_] = (NO_BOUND -> lsn[k] : (HOW == BRACKETED -> bound_lsn[p_] : 0));
     printf("P%d hears that m%d is at %d:%d (branch %d)\n", p_, m_, number[pb[m_]], pl[m_], pb[m_]);
     if
     :: UNFLUSHED || flushed[k] >= pl[m_] -> Complete_and_send(p_, m_)
     :: else -> state[m_] = POSITIONED
     fi
  :: else -> Complete_and_send(p_, m_)
  fi
}
