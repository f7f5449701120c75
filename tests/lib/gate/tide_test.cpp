#include "tidegate/tide.hpp"

#include <doctest/doctest.h>

#include "tests/lib/samples.hpp"

using namespace tidegate;
using tidegate::testing::home;

namespace {

Position at(TimelineId timeline, std::uint64_t lsn) { return {home, timeline, Lsn{lsn}}; }

// Timeline 1 was left at 100, timeline 2 never became an ancestor, timeline 3 was left at 300.
Tide on_timeline_4(std::uint64_t replayed) {
  return {{home, 1}, 4, Lsn{replayed}, TimelineHistory({{1, Lsn{100}}, {3, Lsn{300}}})};
}

Tide on_timeline_1(std::uint64_t replayed) { return {{home, 1}, 1, Lsn{replayed}, {}}; }

}  // namespace

TEST_CASE("on its own timeline a position is covered once exactly its LSN is replayed") {
  CHECK(visibility_of(at(1, 99), on_timeline_1(100)) == Visibility::visible);
  CHECK(visibility_of(at(1, 100), on_timeline_1(100)) == Visibility::visible);
  CHECK(visibility_of(at(1, 101), on_timeline_1(100)) == Visibility::pending);
  CHECK(visibility_of(at(4, 400), on_timeline_4(400)) == Visibility::visible);
  CHECK(visibility_of(at(4, 401), on_timeline_4(400)) == Visibility::pending);
}

TEST_CASE("a position of an ancestor is covered up to the very point where the history left it") {
  CHECK(visibility_of(at(1, 99), on_timeline_4(400)) == Visibility::visible);
  CHECK(visibility_of(at(1, 100), on_timeline_4(400)) == Visibility::visible);
  CHECK(visibility_of(at(1, 101), on_timeline_4(400)) == Visibility::orphaned);
  CHECK(visibility_of(at(3, 300), on_timeline_4(400)) == Visibility::visible);
  CHECK(visibility_of(at(3, 301), on_timeline_4(400)) == Visibility::orphaned);
}

TEST_CASE("a position that survived on an ancestor still waits until it is replayed") {
  CHECK(visibility_of(at(3, 250), on_timeline_4(249)) == Visibility::pending);
  CHECK(visibility_of(at(3, 250), on_timeline_4(250)) == Visibility::visible);
}

TEST_CASE("a position behind the switch is orphaned whatever has been replayed") {
  for (const std::uint64_t replayed : {0, 100, 101, 102, 1000000}) {
    CHECK(visibility_of(at(1, 101), on_timeline_4(replayed)) == Visibility::orphaned);
  }
}

TEST_CASE("a position of a timeline that is no ancestor is orphaned") {
  CHECK(visibility_of(at(2, 1), on_timeline_4(400)) == Visibility::orphaned);
  CHECK(visibility_of(at(2, 1), on_timeline_4(0)) == Visibility::orphaned);
}

TEST_CASE("a position of a later timeline waits until the server follows, whatever the LSNs say") {
  CHECK(visibility_of(at(2, 1), on_timeline_1(1000)) == Visibility::pending);
  CHECK(visibility_of(at(5, 1), on_timeline_4(1000)) == Visibility::pending);
}

TEST_CASE("a position of another cluster is foreign whatever the timelines and LSNs say") {
  for (const TimelineId timeline : {1U, 2U, 4U, 5U}) {
    CHECK(visibility_of({home + 1, timeline, Lsn{1}}, on_timeline_4(400)) == Visibility::foreign);
    CHECK(visibility_of({home + 1, timeline, Lsn{1000}}, on_timeline_4(400)) ==
          Visibility::foreign);
  }
}

// The rule of the design written once more, in other words, and compared everywhere on a small
// world.
TEST_CASE("the rule holds for every position around every fence post") {
  for (TimelineId timeline = 1; timeline <= 6; ++timeline) {
    for (std::uint64_t lsn = 98; lsn <= 302; ++lsn) {
      for (const std::uint64_t replayed : {98, 99, 100, 101, 299, 300, 301, 302, 303}) {
        const bool survived =
            timeline == 4 || (timeline == 1 && lsn <= 100) || (timeline == 3 && lsn <= 300);
        const auto expected = timeline > 4      ? Visibility::pending
                              : !survived       ? Visibility::orphaned
                              : lsn <= replayed ? Visibility::visible
                                                : Visibility::pending;
        if (visibility_of(at(timeline, lsn), on_timeline_4(replayed)) != expected) {
          FAIL_CHECK("timeline ", timeline, " lsn ", lsn, " replayed ", replayed);
        }
      }
    }
  }
}
