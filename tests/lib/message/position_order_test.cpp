#include "lib/message/position_order.hpp"

#include <doctest/doctest.h>

#include "tests/lib/samples.hpp"

using namespace tidegate;
using namespace tidegate::message;
using tidegate::testing::history;
using tidegate::testing::home;
using tidegate::testing::place;

namespace {

bool implied(const std::string& one, std::uint64_t at, const std::string& other,
             std::uint64_t other_at) {
  return implies(place(history(one), at), place(history(other), other_at));
}

}  // namespace

TEST_CASE("a position implies what lies on the way to it") {
  CHECK(implied("1", 100, "1", 100));
  CHECK(implied("1", 100, "1", 99));
  CHECK_FALSE(implied("1", 100, "1", 101));
  CHECK(implied("1 2@100", 200, "1", 100));
  CHECK_FALSE(implied("1 2@100", 200, "1", 101));
  CHECK_FALSE(implied("1", 200, "1 2@100", 150));
  CHECK_FALSE(implied("1 2@100", 200, "1 2@90", 95));
  CHECK_FALSE(implied("1 2@100/7", 200, "1 2@100/8", 150));
}

TEST_CASE("a place at which a timeline has just begun is implied by what goes on otherwise") {
  CHECK(implied("1 2@100/7", 200, "1 2@100/8", 100));
  CHECK(implied("1", 100, "1 2@100", 100));
}

TEST_CASE("positions of two clusters imply nothing of each other") {
  CHECK_FALSE(implies(place(1, 100), place(1, 50, home + 1)));
}

TEST_CASE("the order of release is that of the timelines, then of the offsets") {
  CHECK(precedes(place(1, 200), place(2, 100)));
  CHECK(precedes(place(1, 100), place(1, 200)));
  CHECK_FALSE(precedes(place(1, 100), place(1, 100)));
  CHECK_FALSE(precedes(place(2, 100), place(1, 200)));
}
