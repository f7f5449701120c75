#include "peer/servers/postgres/promotion.hpp"

#include <algorithm>
#include <cstring>
#include <string>

namespace tidegate::postgres {
namespace {

constexpr std::uint64_t short_page_header = 24;
constexpr std::uint64_t long_page_header = 40;  // on the first page of a segment

constexpr std::size_t record_header = 24;
constexpr std::size_t record_alignment = 8;
constexpr std::size_t info_offset = 16;
constexpr std::size_t manager_offset = 17;
constexpr std::uint8_t xlog_manager = 0;
constexpr std::uint8_t end_of_recovery = 0x90;
constexpr std::uint8_t info_mask = 0xF0;

// Behind the record's header: the id of the main data, its length in one byte, and the data, which
// begins with the time.
constexpr std::uint8_t short_main_data = 255;
constexpr std::size_t time_offset = record_header + 2;

// PostgreSQL counts from 2000.
constexpr std::int64_t microseconds_until_2000 = 946'684'800LL * 1'000'000;

// In the byte order of the server, which is taken to be ours: in another order no record is found.
template <typename Number>
Number number_at(const std::string& bytes, std::size_t offset) {
  Number number{};
  std::memcpy(&number, bytes.data() + offset, sizeof number);
  return number;
}

// The same bytes without the headers of pages.
std::string without_page_headers(std::string_view wal, Lsn begin, WalLayout layout) {
  std::string bytes;
  auto at = begin.bytes;
  while (!wal.empty()) {
    const auto in_page = at % layout.block_size;
    if (in_page == 0) {
      const auto header = at % layout.segment_size == 0 ? long_page_header : short_page_header;
      const auto skipped = std::min<std::uint64_t>(header, wal.size());
      wal.remove_prefix(skipped);
      at += skipped;
      continue;
    }
    const auto rest_of_page = std::min<std::uint64_t>(layout.block_size - in_page, wal.size());
    bytes.append(wal.substr(0, rest_of_page));
    wal.remove_prefix(rest_of_page);
    at += rest_of_page;
  }
  return bytes;
}

}  // namespace

std::optional<std::int64_t> promotion_time(std::string_view wal, Lsn begin, WalLayout layout) {
  const auto bytes = without_page_headers(wal, begin, layout);
  for (std::size_t at = 0; at + time_offset + sizeof(std::int64_t) <= bytes.size();) {
    const auto record = bytes.substr(at);
    const auto length = number_at<std::uint32_t>(record, 0);
    if (length < record_header) return std::nullopt;
    const auto info = number_at<std::uint8_t>(record, info_offset) & info_mask;
    if (number_at<std::uint8_t>(record, manager_offset) == xlog_manager &&
        info == end_of_recovery &&
        number_at<std::uint8_t>(record, record_header) == short_main_data) {
      return number_at<std::int64_t>(record, time_offset) + microseconds_until_2000;
    }
    at += (length + record_alignment - 1) / record_alignment * record_alignment;
  }
  return std::nullopt;
}

}  // namespace tidegate::postgres
