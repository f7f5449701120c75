// Makes a server's WAL end exactly at the end of a page, the place where the writer and a replica
// tell different positions although both are at the same.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>

#include "support/session.hpp"
#include "tidegate/lsn.hpp"

namespace tidegate::testing {

inline Lsn insert_lsn(support::Session& session) {
  return *parse_lsn(session.value("SELECT pg_current_wal_insert_lsn()"));
}

// How far the header behind a page's end carries the insert LSN.
inline std::uint64_t header_behind(bool at_segment_end) { return at_segment_end ? 40 : 24; }

// Writes until exactly `last` bytes, a multiple of 8, are left on a page (that is the last one of
// its segment). False when somebody else wrote meanwhile, or when they would not fit: try again.
inline bool leave_on_page(support::Session& session, WalLayout layout, bool at_segment_end,
                          std::uint64_t last) {
  const auto emit = [&](std::uint64_t bytes) {
    session.execute("SELECT pg_logical_emit_message(false, '', repeat('x', " +
                    std::to_string(bytes) + "))");
  };
  constexpr std::uint64_t overhead = 56;  // of such a record, without padding
  for (;;) {
    const auto before = insert_lsn(session);
    const auto left = layout.block_size - before.bytes % layout.block_size;
    const auto left_in_segment = layout.segment_size - before.bytes % layout.segment_size;
    if (at_segment_end && left_in_segment > layout.block_size) {
      emit(left > 4096 ? 3000 : left);  // onwards, a page in two or three records
    } else if (left < last + overhead + 8) {
      emit(200);  // over the end: no record fits exactly
    } else {
      emit(left - last - overhead);
      const Lsn end{before.bytes + left - last};
      return insert_lsn(session).bytes ==
             end.bytes + (last == 0 ? header_behind(at_segment_end) : 0);
    }
  }
}

// Returns the insert LSN: 24 bytes behind the page's end, 40 where a segment ends too.
inline Lsn end_at_page_end(support::Session& session, WalLayout layout, bool at_segment_end) {
  for (int attempt = 0; attempt < 100; ++attempt) {
    if (leave_on_page(session, layout, at_segment_end, 0)) return insert_lsn(session);
  }
  throw std::runtime_error("no record ended at the end of a page");
}

// Runs a statement that commits by itself so that its commit record is the one that ends there. It
// may be run several times.
inline void commit_at_page_end(support::Session& session, WalLayout layout, bool at_segment_end,
                               const std::string& sql) {
  std::uint64_t size = 128;  // of what it writes
  for (int attempt = 0; attempt < 100; ++attempt) {
    if (!leave_on_page(session, layout, at_segment_end, size)) continue;
    const auto before = insert_lsn(session);
    session.execute(sql);
    const auto after = insert_lsn(session);
    const auto end = before.bytes + size;
    if (after.bytes == end + header_behind(at_segment_end)) return;
    if (after.bytes < end) size = after.bytes - before.bytes;
    // Over the end: with a page image or a new page, or `size` is too small.
    if (after.bytes > end + header_behind(at_segment_end)) size += 8;
  }
  throw std::runtime_error("no commit ended at the end of a page");
}

}  // namespace tidegate::testing
