// The true name of a timeline: the moment of the promotion that began it.
//
// Two servers promoted apart may give the same number to their timelines, and a clean switchover
// even lets them begin at the same LSN. The first record of a timeline, END_OF_RECOVERY, holds the
// time of its promotion in microseconds, and every server of that history has this record.
//
// A recovery that ends without a fast promotion writes a checkpoint instead. Its time has seconds
// only, so it is no name.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "tidegate/lsn.hpp"

namespace tidegate::postgres {

// Enough to hold the record, the few that may precede it, and the page headers in between.
inline constexpr std::size_t promotion_bytes = 1024;

// Microseconds since 1970. `wal` is the WAL of the timeline from its `begin` on. Nothing: the
// record is not among these bytes. (struct XLogRecord in access/xlogrecord.h, xl_end_of_recovery in
// access/xlog_internal.h; the same from PostgreSQL 10 to 18.)
[[nodiscard]] std::optional<std::int64_t> promotion_time(std::string_view wal, Lsn begin,
                                                         WalLayout layout);

}  // namespace tidegate::postgres
