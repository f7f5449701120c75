#include "peer/servers/postgres/promotion.hpp"

#include <cstring>
#include <string>

#include <doctest/doctest.h>

using namespace tidegate;
using namespace tidegate::postgres;

namespace {

constexpr WalLayout layout{8192, 1U << 20U};
constexpr std::int64_t in_2000 = 946'684'800'000'000;

template <typename Number>
void put(std::string& bytes, std::size_t offset, Number number) {
  std::memcpy(bytes.data() + offset, &number, sizeof number);
}

// A record of the WAL with its padding: of the manager 0, with a main data of `size` bytes.
std::string record(std::uint8_t info, std::size_t size) {
  std::string bytes((24 + 2 + size + 7) / 8 * 8, '\0');
  put(bytes, 0, static_cast<std::uint32_t>(24 + 2 + size));
  put(bytes, 16, info);
  put(bytes, 24, std::uint8_t{255});
  put(bytes, 25, static_cast<std::uint8_t>(size));
  return bytes;
}

std::string end_of_recovery(std::int64_t microseconds_since_2000) {
  auto bytes = record(0x90, 16);
  put(bytes, 26, microseconds_since_2000);
  return bytes;
}

// As the server sends it: with the header of a page wherever one begins.
std::string sent(const std::string& records, std::uint64_t begin) {
  std::string bytes;
  auto at = begin;
  for (const char byte : records) {
    if (at % layout.block_size == 0) {
      const std::size_t header = at % layout.segment_size == 0 ? 40 : 24;
      bytes.append(header, '\x7E');
      at += header;
    }
    bytes += byte;
    ++at;
  }
  return bytes;
}

}  // namespace

TEST_CASE("the first record of a timeline tells when its server was promoted") {
  CHECK(promotion_time(sent(end_of_recovery(1'500'000), 0x3000160), {0x3000160}, layout) ==
        in_2000 + 1'500'000);
}

TEST_CASE("page headers before and within the record do not count") {
  for (const std::uint64_t begin :
       {0x3000000U, 0x3002000U, 0x3002000U - 8, 0x3002000U - 24, 0x3002000U - 32}) {
    CAPTURE(begin);
    CHECK(promotion_time(sent(end_of_recovery(7), begin), {begin}, layout) == in_2000 + 7);
  }
}

TEST_CASE("other records of the end of recovery may stand before it") {
  const auto records = record(0xB0, 1) + record(0xD0, 16) + end_of_recovery(7);
  CHECK(promotion_time(sent(records, 0x3000160), {0x3000160}, layout) == in_2000 + 7);
}

TEST_CASE("a timeline that begins otherwise has no known promotion") {
  CHECK_FALSE(promotion_time("", {0x3000160}, layout));
  CHECK_FALSE(promotion_time(std::string(500, '\0'), {0x3000160}, layout));
  CHECK_FALSE(promotion_time(sent(record(0x00, 80), 0x3000160), {0x3000160}, layout));
  const auto cut = sent(end_of_recovery(7), 0x3000160).substr(0, 33);
  CHECK_FALSE(promotion_time(cut, {0x3000160}, layout));
}
