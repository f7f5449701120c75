// Makes a server's WAL end exactly at the end of a page, the place where the writer and a replica
// tell different positions although both are at the same.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>

#include "lib/lsn.hpp"
#include "session.hpp"

namespace tidegate::testing {

inline Lsn insert_lsn(Session& session) {
  return *parse_lsn(session.value("SELECT pg_current_wal_insert_lsn()"));
}

// Returns the insert LSN: 24 bytes behind the page's end, 40 where a segment ends too.
inline Lsn end_at_page_end(Session& session, WalLayout layout, bool at_segment_end) {
  const auto emit = [&](std::uint64_t bytes) {
    session.execute("SELECT pg_logical_emit_message(false, '', repeat('x', " +
                    std::to_string(bytes) + "))");
  };
  constexpr std::uint64_t overhead = 56;  // of such a record, without padding
  // Others may write in between: try again.
  for (int attempt = 0; attempt < 5000; ++attempt) {
    const auto before = insert_lsn(session);
    const auto left = layout.block_size - before.bytes % layout.block_size;
    const auto left_in_segment = layout.segment_size - before.bytes % layout.segment_size;
    if (at_segment_end && left_in_segment > layout.block_size) {
      emit(left > 4096 ? 3000 : left);  // onwards, a page in two or three records
    } else if (left < overhead + 8) {
      emit(200);  // over the end: no record fits exactly
    } else {
      emit(left - overhead);
      const auto after = insert_lsn(session);
      if (after.bytes == before.bytes + left + (at_segment_end ? 40 : 24)) return after;
    }
  }
  throw std::runtime_error("no record ended at the end of a page");
}

}  // namespace tidegate::testing
