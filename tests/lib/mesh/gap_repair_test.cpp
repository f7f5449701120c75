#include "lib/mesh/gap_repair.hpp"

#include <set>

#include <doctest/doctest.h>

#include "tests/lib/samples.hpp"

using namespace tidegate;
using namespace tidegate::base;
using namespace tidegate::mesh;
using std::chrono::milliseconds;
using tidegate::testing::origin;

namespace {

constexpr Instant start = Instant(std::chrono::hours(5));

bool any(const Origin&) { return true; }

// Lets time jump to the next question; says when it was asked.
Instant next_question(GapRepair& catch_up) {
  const auto when = catch_up.deadline(any);
  REQUIRE(when != never);
  CHECK_FALSE(catch_up.take_due(when - Duration(1), any));
  CHECK(catch_up.take_due(when, any));
  return when;
}

}  // namespace

TEST_CASE("without a hole nobody is asked") {
  GapRepair catch_up{Random(1)};
  CHECK(catch_up.deadline(any) == never);
  CHECK_FALSE(catch_up.take_due(start, any));
}

TEST_CASE("a hole may close by itself before its publisher is asked") {
  GapRepair catch_up{Random(1)};
  catch_up.gap(origin(1), start);
  CHECK(catch_up.deadline(any) >= start + milliseconds(5));
  CHECK(catch_up.deadline(any) < start + milliseconds(10));
  catch_up.closed(origin(1));
  CHECK(catch_up.deadline(any) == never);
}

TEST_CASE("receivers that notice a hole in the same moment ask in different ones") {
  std::set<Instant> moments;
  for (std::uint64_t seed = 0; seed < 64; ++seed) {
    GapRepair catch_up{Random(seed)};
    catch_up.gap(origin(1), start);
    moments.insert(catch_up.deadline(any));
  }
  CHECK(moments.size() > 60);
}

TEST_CASE("a hole that is noticed again is asked for when it would have been") {
  GapRepair catch_up{Random(1)};
  catch_up.gap(origin(1), start);
  const auto due = catch_up.deadline(any);
  catch_up.gap(origin(1), start + milliseconds(4));
  CHECK(catch_up.deadline(any) == due);
}

TEST_CASE("questions that nobody answers come ever more rarely, and never end") {
  GapRepair catch_up{Random(1)};
  catch_up.gap(origin(1), start);
  auto asked = next_question(catch_up);
  for (const int pause : {200, 400, 800, 1600, 1600, 1600}) {
    const auto again = next_question(catch_up);
    CHECK(again - asked >= milliseconds(pause));
    CHECK(again - asked < milliseconds(pause) * 5 / 4);
    asked = again;
  }
}

TEST_CASE("an answer that brought something is followed by the next question at once") {
  GapRepair catch_up{Random(1)};
  catch_up.gap(origin(1), start);
  (void)next_question(catch_up);
  (void)next_question(catch_up);
  const auto now = start + milliseconds(500);
  catch_up.answered(origin(1), false, now);
  CHECK(catch_up.deadline(any) > now);
  catch_up.answered(origin(1), true, now);
  CHECK(next_question(catch_up) == now);
  CHECK(next_question(catch_up) < now + milliseconds(250));
}

TEST_CASE("each publisher is asked at its own pace") {
  GapRepair catch_up{Random(1)};
  for (std::uint8_t i = 1; i <= 3; ++i) catch_up.gap(origin(i), start);
  std::set<Origin> asked;
  const auto later = start + milliseconds(20);
  while (const auto due = catch_up.take_due(later, any)) CHECK(asked.insert(*due).second);
  CHECK(asked.size() == 3);
}

TEST_CASE("what could not be used now is asked for as soon as it can, at its own time") {
  GapRepair catch_up(Random(1));
  const auto full = origin(2);
  catch_up.gap(full, start);
  catch_up.gap(origin(3), start);
  const auto but_one = [&](const Origin& one) { return one != full; };
  const auto later = start + milliseconds(50);
  CHECK((catch_up.take_due(later, but_one) == origin(3)));
  CHECK_FALSE(catch_up.take_due(later, but_one));
  CHECK(catch_up.deadline(but_one) > later);
  CHECK(catch_up.deadline(any) < later);
  CHECK((catch_up.take_due(later, any) == full));
}
