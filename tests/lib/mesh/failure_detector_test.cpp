#include "lib/mesh/failure_detector.hpp"

#include <doctest/doctest.h>

using namespace tidegate;
using namespace tidegate::mesh;
using std::chrono::nanoseconds;
using std::chrono::seconds;
using Verdict = FailureDetector::Verdict;

namespace {

constexpr Instant start = Instant(std::chrono::hours(5));
constexpr auto instant = nanoseconds(1);

FailureDetector detector() { return {{seconds(2), seconds(6)}, start}; }

}  // namespace

TEST_CASE("a peer is suspect after exactly the first patience and gone after the second") {
  const auto silent = detector();
  CHECK(silent.verdict(start) == Verdict::alive);
  CHECK(silent.verdict(start + seconds(2) - instant) == Verdict::alive);
  CHECK(silent.verdict(start + seconds(2)) == Verdict::suspect);
  CHECK(silent.verdict(start + seconds(6) - instant) == Verdict::suspect);
  CHECK(silent.verdict(start + seconds(6)) == Verdict::gone);
}

TEST_CASE("a word of the peer starts its silence anew") {
  auto peer = detector();
  peer.heard(start + seconds(5));
  CHECK(peer.verdict(start + seconds(7) - instant) == Verdict::alive);
  CHECK(peer.verdict(start + seconds(7)) == Verdict::suspect);
  CHECK(peer.silent(start + seconds(7)) == seconds(2));
}

TEST_CASE("the time in which this process did not run is no silence of the peer") {
  auto peer = detector();
  peer.discount(seconds(60));
  CHECK(peer.verdict(start + seconds(62) - instant) == Verdict::alive);
  CHECK(peer.verdict(start + seconds(62)) == Verdict::suspect);
  CHECK(peer.verdict(start + seconds(66)) == Verdict::gone);
}

TEST_CASE("the verdict changes at its deadline and never before") {
  const auto silent = detector();
  for (auto now = start; now != never; now = silent.deadline(now)) {
    const auto next = silent.deadline(now);
    if (next == never) {
      CHECK(silent.verdict(now) == Verdict::gone);
    } else {
      CHECK(silent.verdict(next - instant) == silent.verdict(now));
      CHECK(silent.verdict(next) != silent.verdict(now));
    }
  }
}

TEST_CASE("a peer that another one hears stays suspect and is not gone, as long as that is so") {
  auto peer = detector();
  for (int second = 3; second < 60; second += 2) {
    peer.vouched(start + seconds(second));
    CHECK(peer.verdict(start + seconds(second + 4) - instant) == Verdict::suspect);
    CHECK(peer.deadline(start + seconds(second)) >= start + seconds(second + 3));
  }
  CHECK(peer.verdict(start + seconds(63)) == Verdict::gone);
}

TEST_CASE("somebody's word does not make a peer gone earlier, or alive") {
  auto peer = detector();
  peer.vouched(start + seconds(1));
  CHECK(peer.verdict(start + seconds(2)) == Verdict::suspect);
  CHECK(peer.verdict(start + seconds(6) - instant) == Verdict::suspect);
  CHECK(peer.verdict(start + seconds(6)) == Verdict::gone);
}
