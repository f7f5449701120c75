#include "lib/mesh/slow_consumer.hpp"

#include <doctest/doctest.h>

using namespace tidegate;
using namespace tidegate::mesh;
using std::chrono::seconds;

namespace {
constexpr Instant start = Instant(std::chrono::hours(5));
}

TEST_CASE("a consumer that has missed a message once is not slow") {
  SlowConsumer slow_consumer;
  CHECK_FALSE(slow_consumer.slow(start));
  CHECK_FALSE(slow_consumer.asked(start));
  CHECK_FALSE(slow_consumer.asked(start + seconds(1)));
  CHECK_FALSE(slow_consumer.asked(start + seconds(100)));
  CHECK_FALSE(slow_consumer.slow(start + seconds(100)));
}

TEST_CASE("a consumer that asks again and again for ten seconds is slow, which is told once") {
  SlowConsumer slow_consumer;
  for (int i = 0; i < 10; ++i) CHECK_FALSE(slow_consumer.asked(start + seconds(i)));
  CHECK(slow_consumer.asked(start + seconds(10)));
  CHECK(slow_consumer.slow(start + seconds(10)));
  CHECK_FALSE(slow_consumer.asked(start + seconds(11)));
  CHECK(slow_consumer.slow(start + seconds(16)));
  CHECK_FALSE(slow_consumer.slow(start + seconds(17)));
  CHECK_FALSE(slow_consumer.asked(start + seconds(30)));
  CHECK_FALSE(slow_consumer.slow(start + seconds(30)));
}
