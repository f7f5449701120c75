// The primary's answer about its write-ahead log when it is asked for the position of a commit.
#pragma once

#include <cstdint>

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

// WAL is also written page by page, so the flush LSN may be a page's end in the middle of
// somebody's record: no replica replays that far before the rest of the record is flushed. A nudge
// does that. (A page has 1 to 64 KiB; that the smallest is taken here costs a needless nudge now
// and then.)
[[nodiscard]] inline bool flush_may_split_record(const CommitPosition& reading) {
  constexpr std::uint64_t smallest_page = 1024;
  return reading.flush < reading.insert && reading.flush.bytes % smallest_page == 0;
}

}  // namespace tidegate::gate
