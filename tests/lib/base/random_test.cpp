#include "lib/base/random.hpp"

#include <array>

#include <doctest/doctest.h>

using namespace tidegate;
using namespace tidegate::base;

TEST_CASE("a seed means the same numbers everywhere") {
  Random random(1234567);
  CHECK(random.next() == 6457827717110365317U);
  CHECK(random.next() == 3203168211198807973U);
  CHECK(random.next() == 9817491932198370423U);
}

TEST_CASE("a bounded draw is even and stays below its bound") {
  Random random(1);
  std::array<int, 7> seen{};
  for (int i = 0; i < 70'000; ++i) ++seen.at(random.below(seen.size()));
  for (const auto count : seen) {
    CHECK(count > 9'500);
    CHECK(count < 10'500);
  }
  CHECK(random.below(1) == 0);
}

TEST_CASE("a bound that does not divide 2^64 favours nobody") {
  // Without drawing again, its lowest third would come twice as often as the rest.
  const std::uint64_t bound = (std::uint64_t{1} << 63U) + (std::uint64_t{1} << 62U);
  Random random(2);
  int low = 0;
  for (int i = 0; i < 10'000; ++i) low += random.below(bound) < bound / 2 ? 1 : 0;
  CHECK(low > 4'800);
  CHECK(low < 5'200);
}

TEST_CASE("a duration is drawn from its range") {
  using std::chrono::milliseconds;
  Random random(3);
  for (int i = 0; i < 1'000; ++i) {
    const auto drawn = random.between(milliseconds(40), milliseconds(70));
    CHECK(drawn >= milliseconds(40));
    CHECK(drawn < milliseconds(70));
  }
}
