#include "lib/mesh/beacon_pace.hpp"

#include <algorithm>
#include <vector>

#include <doctest/doctest.h>

using namespace tidegate;
using namespace tidegate::base;
using namespace tidegate::mesh;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

constexpr Instant start = Instant(std::chrono::hours(5));

// Lets time jump from deadline to deadline until `end`; says when announcements were due.
std::vector<Instant> run_until(BeaconPace& pace, Instant end) {
  std::vector<Instant> sent;
  while (pace.deadline() < end) {
    const auto now = pace.deadline();
    REQUIRE(pace.take_due(now));
    REQUIRE(pace.deadline() > now);
    sent.push_back(now);
  }
  return sent;
}

std::vector<Duration> gaps(const std::vector<Instant>& sent) {
  std::vector<Duration> result;
  for (std::size_t i = 1; i < sent.size(); ++i) result.push_back(sent[i] - sent[i - 1]);
  return result;
}

bool all_between(const std::vector<Duration>& durations, Duration low, Duration high) {
  return !durations.empty() && std::all_of(durations.begin(), durations.end(),
                                           [&](Duration d) { return d >= low && d < high; });
}

bool all_equal(const std::vector<Duration>& durations) {
  return std::adjacent_find(durations.begin(), durations.end(), std::not_equal_to<>()) ==
         durations.end();
}

// A peer whose burst is over and whose neighbourhood is stable since `start` + 60 s.
BeaconPace settled(std::uint64_t seed) {
  BeaconPace pace(Random(seed), start);
  run_until(pace, start + seconds(60));
  return pace;
}
// Later than that by an answer gap, so that a question is answered without waiting for it.
constexpr Instant later = start + seconds(60) + milliseconds(50);

}  // namespace

TEST_CASE("a peer that comes announces itself three times within 150 ms") {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    BeaconPace pace(Random(seed), start);
    const auto sent = run_until(pace, start + milliseconds(800));
    CAPTURE(seed);
    REQUIRE(sent.size() == 3);
    CHECK(sent[0] < start + milliseconds(10));
    CHECK(sent[2] <= start + milliseconds(150));
    CHECK(all_between(gaps(sent), milliseconds(40), milliseconds(70)));
  }
}

TEST_CASE("only the announcements of the burst want a reply") {
  BeaconPace pace(Random(1), start);
  for (int i = 0; i < 3; ++i) {
    CHECK(pace.in_burst());
    CHECK(pace.take_due(pace.deadline()));
  }
  CHECK_FALSE(pace.in_burst());
}

TEST_CASE("announcements come about every second, and every five once nothing new is heard") {
  BeaconPace pace(Random(2), start);
  run_until(pace, start + milliseconds(200));
  const auto quick = run_until(pace, start + seconds(10));
  CHECK(quick.size() >= 8);
  CHECK(all_between(gaps(quick), milliseconds(800), milliseconds(1200)));
  CHECK_FALSE(all_equal(gaps(quick)));

  run_until(pace, start + seconds(12));
  const auto slow = run_until(pace, start + seconds(120));
  CHECK(all_between(gaps(slow), seconds(4), seconds(6)));
  CHECK_FALSE(all_equal(gaps(slow)));
}

TEST_CASE("a newcomer is answered within 40 ms and brings the quick pace back") {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    auto pace = settled(seed);
    CAPTURE(seed);
    pace.newcomer(later);
    const auto sent = run_until(pace, later + seconds(10));
    REQUIRE(sent.size() >= 8);
    CHECK(sent[0] < later + milliseconds(40));
    CHECK(all_between(gaps(sent), milliseconds(800), milliseconds(1200)));
  }
}

TEST_CASE("a known peer that asks is answered, and the slow pace stays") {
  auto pace = settled(3);
  pace.asked(later);
  const auto sent = run_until(pace, later + seconds(30));
  CHECK(sent[0] < later + milliseconds(40));
  CHECK(all_between(gaps(sent), seconds(4), seconds(6)));
}

TEST_CASE("one answer serves every peer that asked before it") {
  auto pace = settled(4);
  for (int i = 0; i < 64; ++i) pace.newcomer(later);
  CHECK(run_until(pace, later + milliseconds(800)).size() == 1);
}

TEST_CASE("an announcement that was due anyway is the answer") {
  auto pace = settled(5);
  const auto now = pace.deadline();
  pace.newcomer(now);
  REQUIRE(pace.take_due(now));
  CHECK(pace.deadline() >= now + milliseconds(800));
}

TEST_CASE("a flood of questions is not a flood of answers: they become rarer") {
  auto pace = settled(6);
  std::vector<Instant> sent;
  for (auto now = later; now < later + seconds(3); now += milliseconds(1)) {
    pace.newcomer(now);
    if (pace.take_due(now)) sent.push_back(now);
  }
  const auto between = gaps(sent);
  REQUIRE(between.size() >= 6);
  CHECK(all_between({between[0]}, milliseconds(100), milliseconds(142)));
  CHECK(all_between({between[1]}, milliseconds(200), milliseconds(242)));
  CHECK(all_between({between.begin() + 2, between.end()}, milliseconds(400), milliseconds(442)));
}

TEST_CASE("after a flood of questions a newcomer is answered soon again") {
  auto pace = settled(6);
  for (auto now = later; now < later + seconds(3); now += milliseconds(1)) {
    pace.newcomer(now);
    (void)pace.take_due(now);
  }
  const auto calm = pace.deadline() + seconds(2);
  run_until(pace, calm);
  const auto now = calm + milliseconds(50);
  pace.newcomer(now);
  REQUIRE(pace.deadline() < now + milliseconds(40));
  REQUIRE(pace.take_due(pace.deadline()));
  pace.newcomer(now + milliseconds(40));
  CHECK(pace.deadline() < now + milliseconds(180));
}

TEST_CASE("64 peers that hear the same newcomer answer at different times") {
  std::vector<Instant> answers;
  for (std::uint64_t seed = 0; seed < 64; ++seed) {
    auto pace = settled(seed);
    pace.newcomer(later);
    answers.push_back(pace.deadline());
  }
  std::sort(answers.begin(), answers.end());
  CHECK(std::adjacent_find(answers.begin(), answers.end()) == answers.end());
  CHECK(answers.front() < later + milliseconds(5));
  CHECK(answers.back() > later + milliseconds(30));
  // Nowhere more than ten within a millisecond.
  for (std::size_t i = 10; i < answers.size(); ++i) {
    CHECK(answers[i] - answers[i - 10] > milliseconds(1));
  }
}

TEST_CASE("64 peers that come at once calm down") {
  std::vector<BeaconPace> paces;
  for (std::uint64_t seed = 0; seed < 64; ++seed) paces.emplace_back(Random(seed), start);
  std::vector<std::vector<bool>> knows(64, std::vector<bool>(64));
  const auto earliest = [&] {
    return std::min_element(paces.begin(), paces.end(), [](const auto& a, const auto& b) {
      return a.deadline() < b.deadline();
    });
  };
  int sent = 0;
  while (earliest()->deadline() < start + milliseconds(800)) {
    const auto sender = static_cast<std::size_t>(earliest() - paces.begin());
    const auto now = paces[sender].deadline();
    const bool reply_wanted = paces[sender].in_burst();
    REQUIRE(paces[sender].take_due(now));
    ++sent;
    for (std::size_t hearer = 0; hearer < paces.size(); ++hearer) {
      if (hearer == sender) continue;
      if (!knows[hearer][sender]) {
        paces[hearer].newcomer(now);
      } else if (reply_wanted) {
        paces[hearer].asked(now);
      }
      knows[hearer][sender] = true;
    }
  }
  CHECK(sent >= 64 * 3);
  CHECK(sent <= 64 * 5);
}

TEST_CASE("a late loop does not make up for missed announcements") {
  auto pace = settled(7);
  CHECK(pace.take_due(later + seconds(100)));
  CHECK_FALSE(pace.take_due(later + seconds(100)));
  CHECK(pace.deadline() >= later + seconds(104));
}

TEST_CASE("asking early is harmless") {
  auto pace = settled(8);
  const auto deadline = pace.deadline();
  CHECK_FALSE(pace.take_due(deadline - Duration(1)));
  CHECK(pace.deadline() == deadline);
  CHECK(pace.take_due(deadline));
}

TEST_CASE("an interface that came back gets a burst of its own") {
  auto pace = settled(9);
  pace.restart(later);
  CHECK(pace.in_burst());
  CHECK(run_until(pace, later + milliseconds(150)).size() == 3);
}
