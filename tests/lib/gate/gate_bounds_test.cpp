// The bounds of a gate: of all that is held, and of the share of one source.
#include <doctest/doctest.h>

#include "lib/base/limits.hpp"
#include "tests/lib/gate/gate_harness.hpp"

using namespace tidegate;
using namespace tidegate::testing::gates;
using tidegate::testing::home;
using tidegate::testing::place;

TEST_CASE("a message that does not fit the bound is not taken; once another has left, it is") {
  Gate gate(true, 2 * weight);
  hold(gate, "a", at(10));
  hold(gate, "b", at(20));
  CHECK(gate.held().bytes() == 2 * weight);
  CHECK_FALSE(takes(gate, at(1000)));

  gate.server_up();
  poll(gate, start, replayed(10));
  CHECK(released(gate) == "a");
  CHECK(takes(gate, at(1000)));
}

TEST_CASE("a message that is larger than the bound is held alone, or nobody would ever get it") {
  Gate gate(true, 10);
  CHECK(takes(gate, at(1000)));
  hold(gate, "large", at(10));
  CHECK_FALSE(takes(gate, at(1000)));
}

TEST_CASE(
    "at the bound a message of another cluster, which may stand behind others, does not pass") {
  Gate gate(true, weight);
  gate.server_up();
  hold(gate, "w", at(300));
  poll(gate, start, replayed(200));
  CHECK_FALSE(takes(gate, place(2, 400, home + 1)));
}

TEST_CASE("the bound is kept to the byte") {
  Gate gate(true, 2 * weight - 1);
  hold(gate, "a", at(10));
  CHECK_FALSE(takes(gate, at(1000)));
  CHECK(takes(gate, at(1000), weight - 1));
}

TEST_CASE("histories without end do not fill the memory: those of held messages are bounded") {
  Gate gate(true, plenty);
  const auto elsewhere = [](std::size_t cluster) { return place(2, 300, home + cluster); };
  const auto most = base::limits::held_branches;
  for (std::size_t n = 1; n < most; ++n) {
    REQUIRE(takes(gate, elsewhere(n)));
    hold(gate, "m", elsewhere(n));
  }
  CHECK_FALSE(takes(gate, elsewhere(most)));
  CHECK(takes(gate, elsewhere(1)));
  CHECK_FALSE(gate.takes(0, elsewhere(1), elsewhere(most), weight, false));

  gate.server_up();
  poll(gate, start, replayed(200));
  CHECK_FALSE(released(gate).empty());
  CHECK(takes(gate, elsewhere(most)));
}

TEST_CASE("at the bound an item that can go at once still passes, if the application takes it") {
  Gate gate(true, weight);
  gate.server_up();
  hold(gate, "w", at(300));
  poll(gate, start, replayed(200));
  CHECK_FALSE(takes(gate, at(1000)));
  CHECK(takes(gate, at(200)));
  CHECK_FALSE(takes(gate, at(201)));
  hold(gate, "c", at(200));
  CHECK(released(gate) == "c");
}

TEST_CASE("one source can't fill what all share, and what it can't have is left to others") {
  Gate gate(true, 100 * weight);
  gate.server_up();
  const auto fill = [&](int source) {
    int count = 0;
    for (; takes(gate, at(1000), weight, source); ++count) {
      hold(gate, "m", at(1000), start, source);
    }
    return count;
  };
  CHECK(fill(1) == 75);
  CHECK_FALSE(gate.has_room(1));
  CHECK(gate.has_room(2));
  CHECK(fill(2) == 19);
  CHECK(fill(3) == 5);
  CHECK(takes(gate, at(1000), weight, 4));
}

TEST_CASE("an application of its own may fill its gate, whatever the order") {
  Gate gate(true, 100 * weight, std::nullopt, Gate::Room::whole);
  for (int i = 0; i < 100; ++i) {
    REQUIRE(takes(gate, at(1000), weight, 1));
    hold(gate, "m", at(1000), start, 1);
  }
  CHECK_FALSE(takes(gate, at(1000), weight, 1));
}

TEST_CASE("one source can't fill the number of histories that all share") {
  Gate gate(true, plenty);
  const auto elsewhere = [](std::size_t cluster) { return place(2, 300, home + cluster); };
  std::size_t n = 1;
  for (; takes(gate, elsewhere(n), weight, 1); ++n) hold(gate, "m", elsewhere(n), start, 1);
  CHECK(n == base::limits::held_branches_of_source);
  CHECK(takes(gate, elsewhere(1), weight, 1));
  CHECK(takes(gate, elsewhere(n), weight, 2));
}

TEST_CASE("there is room again for refused items once a quarter of what they may have is free") {
  Gate gate(true, 64 * weight);
  gate.server_up();
  for (std::uint64_t i = 1; i <= 48; ++i) hold(gate, "m", at(10 * i), start, 1);
  CHECK_FALSE(gate.has_room(1));
  poll(gate, start, replayed(40));
  (void)released(gate);
  CHECK(gate.held().size() == 44);
  CHECK(gate.has_room(1));
}
