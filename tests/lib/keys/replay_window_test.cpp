#include "lib/keys/replay_window.hpp"

#include <algorithm>
#include <limits>
#include <set>

#include <doctest/doctest.h>

#include "lib/base/random.hpp"

using namespace tidegate;
using keys::ReplayWindow;

TEST_CASE("a number is taken once, in whatever order they come") {
  ReplayWindow window;
  for (const std::uint64_t number : {1U, 2U, 5U, 3U, 1000U, 4U, 1023U}) {
    CAPTURE(number);
    CHECK(window.fresh(number));
    window.take(number);
    CHECK_FALSE(window.fresh(number));
  }
  for (const std::uint64_t number : {1U, 2U, 3U, 4U, 5U, 1000U, 1023U}) {
    CAPTURE(number);
    CHECK_FALSE(window.fresh(number));
  }
  CHECK(window.fresh(6));
  CHECK(window.fresh(1024));
}

TEST_CASE("no datagram has number 0") { CHECK_FALSE(ReplayWindow().fresh(0)); }

TEST_CASE("a number that is too old counts as come") {
  ReplayWindow window;
  window.take(5000);
  CHECK(window.fresh(5000 - ReplayWindow::size + 1));
  CHECK_FALSE(window.fresh(5000 - ReplayWindow::size));
  CHECK_FALSE(window.fresh(1));
}

TEST_CASE("to ask for a number does not take it") {
  ReplayWindow window;
  CHECK(window.fresh(std::numeric_limits<std::uint64_t>::max()));
  CHECK(window.fresh(1));
  window.take(1);
  CHECK(window.fresh(2));
}

TEST_CASE("the last number there is can be taken") {
  constexpr auto last = std::numeric_limits<std::uint64_t>::max();
  ReplayWindow window;
  window.take(1);
  window.take(last);
  CHECK_FALSE(window.fresh(last));
  CHECK(window.fresh(last - 1));
  CHECK_FALSE(window.fresh(1));
}

TEST_CASE("a window that moves in leaps of any size forgets none that it still holds") {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    CAPTURE(seed);
    base::Random random(seed);
    ReplayWindow window;
    std::set<std::uint64_t> taken;
    std::uint64_t highest = 0;
    for (int step = 0; step < 400; ++step) {
      const auto leap = std::uint64_t{1} << random.below(12);
      const auto below = std::min(highest, random.below(2 * ReplayWindow::size));
      const auto number = random.below(2) == 0 ? highest + random.below(leap) + 1 : highest - below;
      const bool old = number == 0 || number + ReplayWindow::size <= highest;
      const bool expected = !old && !taken.contains(number);
      REQUIRE(window.fresh(number) == expected);
      if (!expected) continue;
      window.take(number);
      taken.insert(number);
      highest = std::max(highest, number);
    }
  }
}
