// Messages that follow from what their application has read of the server of its peer.
#include <doctest/doctest.h>

#include "tests/lib/node/node_harness.hpp"

using namespace tidegate;
using namespace tidegate::node;
using namespace tidegate::testing;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

Position shown(std::uint64_t lsn) { return place(history("1 2@100"), lsn); }

// The answer to a question that was put just now, or then.
std::string read(NodeHarness& a, std::optional<Tide> tide) {
  return a.step(input::ReplayPositionRead{std::move(tide), a.now()});
}
std::string read(NodeHarness& a, std::optional<Tide> tide, Instant asked) {
  return a.step(input::ReplayPositionRead{std::move(tide), asked});
}

NodeHarness reading() {
  NodeHarness a;
  a.step(ServerUp{server_life});
  return a;
}

}  // namespace

TEST_CASE("a message after what was read waits for a reading, and inherits what that shows") {
  auto a = reading();
  CHECK(a.publish("x", AfterRead{}) == "poll");
  a.stop_for(milliseconds(2));
  CHECK(read(a, replayed(200)) == "all: Data 1-1");
  CHECK((a.sent() == std::vector<Message>{message_at("x", std::nullopt, 0, shown(200))}));
  // It is as if the application had been given that, so what follows inherits it.
  CHECK(a.publish("y") == "all: Data 2-2");
  CHECK((a.sent() == std::vector<Message>{message_at("y", std::nullopt, 0, shown(200))}));
}

TEST_CASE("a row that was read while a reading was under way is not missed by the message") {
  auto a = reading();
  const auto asked = a.now();
  CHECK(a.publish("x", AfterRead{}) == "poll");
  a.stop_for(milliseconds(1));
  CHECK(a.publish("y", AfterRead{}).empty());
  a.stop_for(milliseconds(1));
  // Asked for before y was published: y's application may have read more.
  CHECK(read(a, replayed(200), asked) == "all: Data 1-1, poll");
  CHECK(read(a, replayed(300)) == "all: Data 2-2");
  CHECK((a.sent() == std::vector<Message>{message_at("y", std::nullopt, 0, shown(300))}));
}

TEST_CASE("a message after what was read keeps its place behind one whose position is not known") {
  auto a = reading();
  a.step(PrimaryUp{primary_life});
  a.publish("change", AfterCommit{});
  a.publish("x", AfterRead{});
  a.publish("behind");
  CHECK(read(a, replayed(150)).empty());
  CHECK(a.step(input::CommitPositionRead{{primary_life, history("2"), Lsn{200}, Lsn{200}}}) ==
        "all: Data 1-3");
}

TEST_CASE("a server that can't tell just now is asked again for what was read") {
  auto a = reading();
  a.publish("x", AfterRead{});
  CHECK(read(a, std::nullopt).empty());
  CHECK(a.wait(milliseconds(1)) == "poll");
  CHECK(read(a, replayed(200)) == "all: Data 1-1");
}

TEST_CASE("while no server answers a message after what was read waits for it") {
  NodeHarness a;
  CHECK(a.publish("x", AfterRead{}).empty());
  CHECK(a.wait(seconds(1)).empty());
  CHECK(a.step(ServerUp{server_life}) == "server up, poll");
  CHECK(read(a, replayed(200)) == "all: Data 1-1");
}

TEST_CASE("a server that comes back may show less than was read: the message is given back") {
  auto a = reading();
  a.publish("x", AfterRead{});
  a.step(ServerDown{"crash"});
  a.publish("while it is down", AfterRead{});
  CHECK(a.step(ServerUp{{home, 9}}) == "server up, poll");
  CHECK(read(a, Tide{{home, 9}, history("2"), 150}) ==
        "unpublished x: database_lost, unpublished while it is down: database_lost");
  CHECK(a.counters().unpublished == 2);
  a.stop_for(milliseconds(1));
  CHECK(a.publish("again", AfterRead{}) == "poll");
  CHECK(read(a, Tide{{home, 9}, history("2"), 200}) == "all: Data 1-1");
}

TEST_CASE(
    "a broken connection to the same life of the server costs no message after what was read") {
  auto a = reading();
  a.publish("x", AfterRead{});
  a.step(ServerDown{"no route"});
  CHECK(a.step(ServerUp{server_life}) == "server up, poll");
  CHECK(read(a, replayed(200)) == "all: Data 1-1");
}

// A reader asks unasked when it has come up, and takes no second question meanwhile.
TEST_CASE("a reading that was under way since the server came up does not count as asked later") {
  auto a = reading();
  const auto came_up = a.now();
  a.stop_for(milliseconds(1));
  CHECK(a.publish("x", AfterRead{}) == "poll");
  CHECK(read(a, replayed(200), came_up).empty());
  CHECK(a.wait(milliseconds(1)) == "poll");
  CHECK(read(a, replayed(300)) == "all: Data 1-1");
}

TEST_CASE("what was read is undone while the message waits behind another: it is given back") {
  auto a = reading();
  a.step(PrimaryUp{primary_life});
  a.publish("change", AfterCommit{});
  a.publish("x", AfterRead{});
  CHECK(read(a, replayed(300)).empty());
  CHECK(read(a, Tide{server_life, history("1 2@100 3@200"), 250}).empty());
  CHECK(a.step(input::CommitPositionRead{
            {primary_life, history("1 2@100 3@200"), Lsn{260}, Lsn{260}}}) ==
        "all: Data 1-1, unpublished x: database_lost");
}

TEST_CASE("rows that were read on a primary before they were flushed are nudged for") {
  NodeHarness a;
  a.step(ServerUp{primary_life});
  a.step(PrimaryUp{primary_life});
  a.publish("x", AfterRead{});
  // It goes at once; but no replica shows what is not flushed.
  CHECK(read(a, Tide{primary_life, history("2"), 200}) == "all: Data 1-1");
  CHECK(a.wait(milliseconds(1)) == "ask");
  std::string asked;
  while (asked != "nudge" && a.now() < start + seconds(1)) {
    a.step(input::CommitPositionRead{{primary_life, history("2"), Lsn{200}, Lsn{150}}});
    asked = a.wait(milliseconds(1));
  }
  CHECK(asked == "nudge");
}
