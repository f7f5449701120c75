#include "lib/mesh/history_bytes.hpp"

#include <doctest/doctest.h>

#include "tests/lib/samples.hpp"

using namespace tidegate;
using namespace tidegate::mesh;
using tidegate::testing::hex;
using tidegate::testing::history;

TEST_CASE("a history comes back from its bytes") {
  for (const auto* text : {"1", "3", "1 2@100/7", "1 2@100 3@18446744073709551615/9"}) {
    CHECK((history_from(history_bytes(history(text))) == history(text)));
  }
  CHECK(hex(history_bytes(history("1 2@258/3"))) ==
        "0000000100000000000000000000000000000000"
        "0000000200000000000001020000000000000003");
}

TEST_CASE("bytes that are no history are refused") {
  const auto good = history_bytes(history("1 2@100/7"));
  for (std::size_t size = 0; size < good.size(); ++size) {
    CHECK(history_from(good.substr(0, size)).has_value() == (size == history_entry_bytes));
  }
  CHECK_FALSE(history_from(good + good));  // numbers that don't rise
  auto early = good;
  early[history_entry_bytes + 12] = '\xFF';  // a promotion before 1970
  CHECK_FALSE(history_from(early));
  CHECK_FALSE(history_from(std::string(base::limits::history_bytes + history_entry_bytes, '\1')));
}

TEST_CASE("a history that is read again is the same object") {
  KnownHistories known;
  const auto bytes = history_bytes(history("1 2@100/7"));
  const auto first = known.read(bytes);
  REQUIRE(first);
  CHECK(known.read(bytes)->entries().data() == first->entries().data());
  for (int number = 1; number <= 8; ++number) {
    CHECK(known.read(history_bytes(history(std::to_string(number)))));
  }
  CHECK((known.read(bytes) == first));
  CHECK_FALSE(known.read("x"));
  CHECK_FALSE(known.read(""));
}
