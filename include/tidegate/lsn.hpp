// A place in PostgreSQL's write-ahead log, and the arithmetic that makes two servers' answers
// comparable.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "tidegate/export.hpp"
#include "tidegate/result.hpp"

namespace tidegate {

// A log sequence number: the offset in bytes from the start of the WAL. 0 is "none" (PostgreSQL's
// InvalidXLogRecPtr). Written in two hexadecimal halves, "16/B374D848".
struct Lsn {
  std::uint64_t bytes = 0;

  [[nodiscard]] bool none() const { return bytes == 0; }
  friend auto operator<=>(const Lsn&, const Lsn&) = default;
};

[[nodiscard]] TIDEGATE_EXPORT Result<Lsn> parse_lsn(std::string_view text);
[[nodiscard]] TIDEGATE_EXPORT std::string to_string(Lsn lsn);

// How a server cuts its WAL; both in bytes, fixed by initdb, read from `wal_block_size` and
// `wal_segment_size`.
struct WalLayout {
  std::uint32_t block_size = 8192;
  std::uint32_t segment_size = 16U << 20U;

  friend bool operator==(const WalLayout&, const WalLayout&) = default;
};

// The same place without the page header that only the writer has stepped over.
//
// When a record ends exactly at the end of a WAL page, the insert position already stands behind
// the next page's header (24 bytes, 40 on the first page of a segment: SizeOfXLogShortPHD and
// SizeOfXLogLongPHD in access/xlog_internal.h), while a replica that has replayed everything
// reports the end of the record. Compared as they are, the replica never arrives until somebody
// writes again. No record can end inside or directly behind a header, so the header is subtracted
// exactly; for every other place this is the identity.
[[nodiscard]] TIDEGATE_EXPORT Lsn without_page_header(Lsn lsn, WalLayout layout);

}  // namespace tidegate
