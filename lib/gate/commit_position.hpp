// The primary's answer about its write-ahead log when it is asked for the position of a commit.
#pragma once

#include "tidegate/history.hpp"
#include "tidegate/lsn.hpp"
#include "tidegate/tide.hpp"

namespace tidegate::gate {

// One answer, read in one statement in this order. Both LSNs without page header.
struct CommitPosition {
  ServerIncarnation incarnation;
  History history;
  Lsn insert;  // pg_current_wal_insert_lsn(): covers every commit that had returned when asked
  Lsn flush;   // pg_current_wal_flush_lsn(): survives a crash of the primary

  friend bool operator==(const CommitPosition&, const CommitPosition&) = default;
};

}  // namespace tidegate::gate
