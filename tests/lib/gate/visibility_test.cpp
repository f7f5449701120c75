#include "lib/gate/visibility.hpp"

#include <array>

#include <doctest/doctest.h>

#include "tests/lib/samples.hpp"

using namespace tidegate;
using tidegate::gate::visibility_of;
using tidegate::testing::history;
using tidegate::testing::home;
using tidegate::testing::place;

namespace {

Tide tide(const std::string& way, std::uint64_t replayed) {
  return {{home, 1}, history(way), replayed};
}

// A position with its whole history, and a reading.
// The change lies right before the offset, so that nothing is in doubt; or behind `after`.
Visibility seen(const std::string& way, std::uint64_t offset, const Tide& tide) {
  auto position = place(history(way), offset);
  position.after = offset - 1;
  return visibility_of(position, tide);
}
Visibility seen(const std::string& way, std::uint64_t offset, const Tide& tide,
                std::uint64_t after) {
  auto position = place(history(way), offset);
  position.after = after;
  return visibility_of(position, tide);
}

// Timeline 1 was left at 100, timeline 2 never became an ancestor, timeline 3 was left at 300.
Tide on_timeline_4(std::uint64_t replayed) { return tide("1 3@100 4@300", replayed); }

}  // namespace

TEST_CASE("on its own timeline a position is visible once exactly its offset is replayed") {
  CHECK(seen("1", 99, tide("1", 100)) == Visibility::visible);
  CHECK(seen("1", 100, tide("1", 100)) == Visibility::visible);
  CHECK(seen("1", 101, tide("1", 100)) == Visibility::pending);
  CHECK(seen("1 3@100 4@300", 400, on_timeline_4(400)) == Visibility::visible);
  CHECK(seen("1 3@100 4@300", 401, on_timeline_4(400)) == Visibility::pending);
}

TEST_CASE("a position of an ancestor is visible up to the very point where the history left it") {
  CHECK(seen("1", 99, on_timeline_4(400)) == Visibility::visible);
  CHECK(seen("1", 100, on_timeline_4(400)) == Visibility::visible);
  CHECK(seen("1", 101, on_timeline_4(400)) == Visibility::orphaned);
  CHECK(seen("1 3@100", 300, on_timeline_4(400)) == Visibility::visible);
  CHECK(seen("1 3@100", 301, on_timeline_4(400)) == Visibility::orphaned);
}

TEST_CASE("a position that survived on an ancestor still waits until it is replayed") {
  CHECK(seen("1 3@100", 250, on_timeline_4(249)) == Visibility::pending);
  CHECK(seen("1 3@100", 250, on_timeline_4(250)) == Visibility::visible);
}

TEST_CASE("a position behind the switch is orphaned whatever has been replayed") {
  for (const std::uint64_t replayed : {0U, 100U, 101U, 102U, 1000000U}) {
    CHECK(seen("1", 101, on_timeline_4(replayed)) == Visibility::orphaned);
  }
}

TEST_CASE("a position of a timeline that is no ancestor is orphaned") {
  CHECK(seen("1 2@50", 60, on_timeline_4(400)) == Visibility::orphaned);
  CHECK(seen("1 2@50", 60, on_timeline_4(0)) == Visibility::orphaned);
}

TEST_CASE("a change is called orphaned only if it lies behind the place where histories part") {
  const auto server = on_timeline_4(400);
  CHECK(seen("1", 120, server, 100) == Visibility::orphaned);
  CHECK(seen("1", 120, server, 99) == Visibility::in_doubt);
  CHECK(seen("1", 100, server, 50) == Visibility::visible);
  // A later timeline than the server's, which has gone past the fork; and one that is no ancestor.
  CHECK(seen("1 2@100", 120, tide("1", 101), 100) == Visibility::orphaned);
  CHECK(seen("1 2@100", 120, tide("1", 101), 99) == Visibility::in_doubt);
  CHECK(seen("1 2@100", 120, tide("1", 100), 99) == Visibility::pending);
  CHECK(seen("1 2@50", 120, server, 50) == Visibility::orphaned);
  CHECK(seen("1 2@50", 120, server, 49) == Visibility::in_doubt);
  CHECK(seen("1 2@150", 160, server, 100) == Visibility::orphaned);
  CHECK(seen("1 2@150", 160, server, 99) == Visibility::in_doubt);
}

TEST_CASE("without the place behind which it lies, a change that may be undone is in doubt") {
  CHECK(seen("1", 101, on_timeline_4(400), 0) == Visibility::in_doubt);
  CHECK(seen("1 2@50", 60, on_timeline_4(400), 0) == Visibility::in_doubt);
  CHECK(seen("1 2@100", 200, tide("1", 101), 0) == Visibility::in_doubt);
}

TEST_CASE("where two histories part at a place that is not known, the change is in doubt") {
  // The number of a timeline alone, on either side.
  CHECK(seen("2", 60, on_timeline_4(400), 59) == Visibility::in_doubt);
  CHECK(seen("1", 60, tide("2", 400), 59) == Visibility::in_doubt);
  CHECK(seen("1 2", 60, tide("1", 400), 59) == Visibility::pending);
  CHECK(seen("1 2@0/7", 60, tide("1 2@0/8", 400), 59) == Visibility::in_doubt);
}

TEST_CASE("a position of a later timeline waits until the server follows") {
  CHECK(seen("1 2@100", 101, tide("1", 100)) == Visibility::pending);
  CHECK(seen("1 3@100 4@300 5@400", 401, on_timeline_4(400)) == Visibility::pending);
}

TEST_CASE("a position of a later timeline is orphaned once the server is past the fork") {
  CHECK(seen("1 2@100", 200, tide("1", 100)) == Visibility::pending);
  CHECK(seen("1 2@100", 200, tide("1", 101)) == Visibility::orphaned);
  CHECK(seen("1 2@100 3@250", 260, tide("1", 101)) == Visibility::orphaned);
  CHECK(seen("1 2@100 3@250", 260, tide("1 2@100", 250)) == Visibility::pending);
  CHECK(seen("1 2@100 3@250", 260, tide("1 2@100", 251)) == Visibility::orphaned);
}

TEST_CASE("two servers promoted apart to one number show nothing of each other") {
  // B was promoted at 100, C at 120, both to timeline 2.
  CHECK(seen("1 2@100", 110, tide("1 2@120", 500)) == Visibility::orphaned);
  CHECK(seen("1 2@120", 130, tide("1 2@100", 500)) == Visibility::orphaned);
  CHECK(seen("1", 110, tide("1 2@120", 500)) == Visibility::visible);
  // Behind them timelines 3 that begin at the same place.
  CHECK(seen("1 2@100 3@200", 210, tide("1 2@120 3@200", 500)) == Visibility::orphaned);
}

TEST_CASE("twins, promoted at one place to one number, are told apart by their promotion") {
  CHECK(seen("1 2@100/7", 110, tide("1 2@100/8", 500)) == Visibility::orphaned);
  CHECK(seen("1 2@100/7", 110, tide("1 2@100/7", 500)) == Visibility::visible);
  CHECK(seen("1 2@100/7 3@200/9", 210, tide("1 2@100/8 3@200/9", 500)) == Visibility::orphaned);
  CHECK(seen("1 2@100", 110, tide("1 2@100/8", 500)) == Visibility::visible);
}

TEST_CASE("a position that was read right after a promotion lies on the timeline before it") {
  CHECK(seen("1 2@100/7", 100, tide("1", 100)) == Visibility::visible);
  CHECK(seen("1 2@100/7", 100, tide("1 2@100/8", 500)) == Visibility::visible);
  CHECK(seen("1 2@100 3@100", 100, tide("1", 99)) == Visibility::pending);
  CHECK(seen("1 2@100/7", 101, tide("1 2@100/8", 500)) == Visibility::orphaned);
}

TEST_CASE("a server can come to a position, or up to where its history leaves the way to that") {
  const auto reach = [](const std::string& way, std::uint64_t offset, const Tide& tide) {
    return gate::reach_towards(place(history(way), offset), tide);
  };
  CHECK(reach("1", 100, on_timeline_4(400)) == gate::anywhere);
  CHECK(reach("1 3@100 4@300", 500, on_timeline_4(400)) == gate::anywhere);
  CHECK(reach("1", 101, on_timeline_4(400)) == 100);
  CHECK(reach("1 3@100", 350, on_timeline_4(400)) == 300);
  CHECK(reach("1 2@90", 500, tide("1", 90)) == gate::anywhere);
  CHECK(reach("1 2@90", 500, tide("1", 91)) == 90);
  CHECK(reach("1 2@100", 110, tide("1 2@120", 500)) == 100);
  CHECK(reach("1 2@120", 130, tide("1 2@100", 500)) == 100);
  CHECK(reach("1 2@0/7", 60, tide("1 2@0/8", 400)) != gate::anywhere);  // that place is not known
}

TEST_CASE("a position of another cluster or kind is foreign whatever the histories say") {
  for (const TimelineId timeline : {1U, 2U, 4U, 5U}) {
    for (const std::uint64_t offset : {1U, 1000U}) {
      CHECK(visibility_of(place(timeline, offset, home + 1), on_timeline_4(400)) ==
            Visibility::foreign);
    }
  }
  const Position other{Branch(ServerKind{77}, home, history("1")), 1};
  CHECK(visibility_of(other, tide("1", 100)) == Visibility::foreign);
  auto newer = tide("1", 100);
  newer.incarnation.kind = ServerKind{77};
  CHECK(visibility_of(other, newer) == Visibility::foreign);
  CHECK(visibility_of(place(history("1"), 1), newer) == Visibility::foreign);
}

// The rule once more, in other words, and compared everywhere on a small world: a tree of branches
// with names of their own, each with the way to it.
namespace {

struct Branch {
  int parent;
  std::uint64_t begin;
  const char* way;
};
// 1 and 2 are twins but for the promotion, 3 begins elsewhere, 4 and 5 go on from 1 and 2.
const std::array<Branch, 6> branches = {{{-1, 0, "1"},
                                         {0, 10, "1 2@10/1"},
                                         {0, 10, "1 2@10/2"},
                                         {0, 12, "1 2@12/3"},
                                         {1, 15, "1 2@10/1 3@15/4"},
                                         {2, 15, "1 2@10/2 3@15/5"}}};

const Branch& branch_at(int index) { return branches.at(static_cast<std::size_t>(index)); }

// Where the way to `to` leaves `from`; 0: it does not come through it.
std::uint64_t exit_of(int from, int to) {
  for (; to >= 0 && to != from; to = branch_at(to).parent) {
    if (branch_at(to).parent == from) return branch_at(to).begin;
  }
  return 0;
}

bool shows(int server, std::uint64_t replayed, int branch, std::uint64_t offset) {
  while (offset <= branch_at(branch).begin) branch = branch_at(branch).parent;
  if (offset > replayed) return false;
  return branch == server || offset <= exit_of(branch, server);
}

// It may go on along its branch, and over a fork that it is not past.
bool may_show(int server, std::uint64_t replayed, int branch, std::uint64_t offset) {
  for (int later = 0; later < 6; ++later) {
    const bool reachable = later == server || exit_of(server, later) >= replayed;
    if (reachable && shows(later, 100, branch, offset)) return true;
  }
  return false;
}

}  // namespace

TEST_CASE("the rule tells what the server shows, what it can never show, and what nobody knows") {
  for (int server = 0; server < 6; ++server) {
    for (auto replayed = branch_at(server).begin + 1; replayed < 20; ++replayed) {
      for (int branch = 0; branch < 6; ++branch) {
        for (auto offset = branch_at(branch).begin + 1; offset < 20; ++offset) {
          for (std::uint64_t after = 0; after < offset; ++after) {
            const auto first = after + 1;  // the first place where the change may lie
            const bool gone = after != 0 && !may_show(server, replayed, branch, first);
            const auto expected = shows(server, replayed, branch, offset)      ? Visibility::visible
                                  : may_show(server, replayed, branch, offset) ? Visibility::pending
                                  : gone ? Visibility::orphaned
                                         : Visibility::in_doubt;
            const auto found =
                seen(branch_at(branch).way, offset, tide(branch_at(server).way, replayed), after);
            if (found != expected) {
              FAIL_CHECK("server on ", branch_at(server).way, " at ", replayed, ", position on ",
                         branch_at(branch).way, " at ", offset, " after ", after);
            }
          }
        }
      }
    }
  }
}
