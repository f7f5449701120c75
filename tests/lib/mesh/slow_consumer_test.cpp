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
  for (const auto when : {seconds(0), seconds(1), seconds(100)}) {
    slow_consumer.asked(start + when);
    CHECK_FALSE(slow_consumer.slow(start + when));
  }
}

TEST_CASE("a consumer that asks again and again for ten seconds is slow, until it pauses") {
  SlowConsumer slow_consumer;
  for (int i = 0; i < 10; ++i) {
    slow_consumer.asked(start + seconds(i));
    CHECK_FALSE(slow_consumer.slow(start + seconds(i)));
  }
  slow_consumer.asked(start + seconds(10));
  CHECK(slow_consumer.slow(start + seconds(10)));
  slow_consumer.asked(start + seconds(11));
  CHECK(slow_consumer.slow(start + seconds(16)));
  CHECK_FALSE(slow_consumer.slow(start + seconds(17)));
  slow_consumer.asked(start + seconds(30));
  CHECK_FALSE(slow_consumer.slow(start + seconds(30)));
}
