#include "lib/base/backoff.hpp"

#include <map>
#include <vector>

#include <doctest/doctest.h>

using namespace tidegate;
using namespace tidegate::base;
using namespace std::chrono_literals;

TEST_CASE("the bound of the pauses doubles up to the longest, and begins anew") {
  Random random(1);
  Backoff backoff(100ms, 5s);
  for (const auto bound : {100ms, 200ms, 400ms, 800ms, 1600ms, 3200ms, 5000ms, 5000ms}) {
    CHECK(backoff.bound() == bound);
    const auto pause = backoff.next(random);
    CHECK(pause >= 10ms);
    CHECK(pause < bound);
  }
  backoff.reset();
  CHECK(backoff.next(random) < 100ms);
}

// Seen: all came in the same second, again and again, and eight of them were refused each time.
TEST_CASE("twenty peers that lost the same server come back spread out") {
  constexpr int peers = 20;
  std::map<Duration, int> attempts;  // by tenths of a second
  for (int peer = 0; peer < peers; ++peer) {
    Random random(static_cast<std::uint64_t>(peer));
    Backoff backoff(100ms, 5s);
    for (Duration now{}; now < 60s; ++attempts[now / 100ms * 100ms]) now += backoff.next(random);
  }
  int most = 0;
  int total = 0;
  for (const auto& [at, count] : attempts) {
    if (at < 1s) continue;
    most = std::max(most, count);
    total += count;
  }
  CHECK(most <= peers / 2);
  CHECK(total > peers * 20);     // each comes back every few seconds
  CHECK(attempts.size() > 250);  // of 600 tenths of a second
}
