#include "lib/base/saturated.hpp"

#include <doctest/doctest.h>

using namespace tidegate;
using namespace tidegate::base;
using namespace std::chrono_literals;

namespace {

constexpr Instant now = Instant(5h);

}  // namespace

TEST_CASE("a timeout without end ends never") {
  CHECK(later(now, std::chrono::milliseconds::max()) == never);
  CHECK(later(now, std::chrono::hours::max()) == never);
  CHECK(later(now, Duration::max()) == never);
  CHECK(later(now, never - now) == never);
  CHECK(later(now, never - now - 1ns) == never - 1ns);
  CHECK(later(Instant(-5h), Duration::max()) == never);
}

TEST_CASE("a negative timeout is over at once") {
  CHECK(later(now, -1ms) == now);
  CHECK(later(now, std::chrono::milliseconds::min()) == now);
  CHECK(later(now, 0ms) == now);
}

TEST_CASE("any other timeout is as long as it says") {
  CHECK(later(now, 7ms) == now + 7ms);
  CHECK(saturated(7ms) == 7ms);
  CHECK(saturated(std::chrono::hours::max()) == Duration::max());
  CHECK(saturated(std::chrono::hours::min()) == Duration::min());
}

TEST_CASE("a setting that is for ever can be added to an instant") {
  CHECK(bounded(Duration::max()) > 24h * 365 * 99);
  CHECK(now + 2 * bounded(Duration::max()) < never);
  CHECK(bounded(6s) == 6s);
}
