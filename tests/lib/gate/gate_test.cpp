#include <doctest/doctest.h>

#include "tests/lib/gate/gate_harness.hpp"

using namespace tidegate;
using namespace tidegate::testing::gates;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;
using tidegate::testing::home;
using tidegate::testing::place;

TEST_CASE("without a server to wait for everything goes at once, as it came") {
  Gate gate(false, plenty);
  hold(gate, "b", at(20));
  hold(gate, "a", at(10));
  hold(gate, "none", std::nullopt);
  CHECK(gate.deadline() == never);
  CHECK(released(gate) == "b, a, none");
}

TEST_CASE("a message without a position goes at once") {
  auto gate = with_server();
  hold(gate, "a", std::nullopt);
  CHECK(released(gate) == "a");
}

TEST_CASE("a message is held until a reading covers exactly its position") {
  auto gate = with_server();
  hold(gate, "a", at(200));
  CHECK(released(gate).empty());
  poll(gate, start, replayed(199));
  CHECK(released(gate).empty());
  poll(gate, gate.deadline(), replayed(200));
  CHECK(released(gate) == "a");
  CHECK(gate.deadline() == never);
}

TEST_CASE("one reading serves every held message, and those behind it stay") {
  auto gate = with_server();
  for (const auto lsn : {230U, 210U, 240U, 220U}) hold(gate, std::to_string(lsn), at(lsn));
  poll(gate, start, replayed(230));
  CHECK(released(gate) == "210, 220, 230");
  CHECK(gate.held().size() == 1);
}

TEST_CASE("a message that a known reading covers goes without asking again") {
  auto gate = with_server();
  hold(gate, "a", at(200));
  poll(gate, start, replayed(300));
  CHECK(released(gate) == "a");
  hold(gate, "b", at(300), start + seconds(1));
  CHECK(released(gate) == "b");
}

TEST_CASE("an item that can never be shown comes out with its fate as soon as it is on top") {
  auto gate = with_server();
  hold(gate, "fine", at(100, 1));
  hold(gate, "late", behind(100, at(101, 1)));
  hold(gate, "perhaps", behind(99, at(102, 1)));
  hold(gate, "who knows", at(103, 1));
  hold(gate, "alien", place(1, 150, home + 1));
  hold(gate, "waits", at(500));
  poll(gate, start, replayed(200));
  CHECK(released(gate) ==
        "fine, late orphaned, perhaps in doubt, who knows in doubt, alien foreign");
}

TEST_CASE("when the server goes away its readings are forgotten: after a crash it may show less") {
  auto gate = with_server();
  hold(gate, "a", at(200));
  poll(gate, start, replayed(300));
  CHECK(released(gate) == "a");
  gate.server_down();
  CHECK(gate.tide() == std::nullopt);
  hold(gate, "b", at(200), start + seconds(1));
  CHECK(released(gate).empty());
  CHECK(gate.deadline() == never);
  gate.server_up();
  CHECK(released(gate).empty());
  poll(gate, start + seconds(1), replayed(150));
  CHECK(released(gate).empty());
  poll(gate, start + seconds(2), replayed(200));
  CHECK(released(gate) == "b");
}

TEST_CASE("an answer without a reading leaves the last one standing and frees the next poll") {
  auto gate = with_server();
  hold(gate, "a", at(200));
  poll(gate, start, replayed(150));
  poll(gate, gate.deadline(), std::nullopt);
  CHECK(gate.tide() == replayed(150));
  CHECK(gate.deadline() < start + milliseconds(1));
}

TEST_CASE("the server is asked only while it is up and something is held") {
  auto gate = with_server();
  CHECK(gate.deadline() == never);
  CHECK_FALSE(gate.take_poll(start));
  gate.server_down();
  hold(gate, "a", at(200));
  CHECK(gate.deadline() == never);
  CHECK_FALSE(gate.take_poll(start));
  gate.server_up();
  CHECK(gate.deadline() == start);
  CHECK(gate.take_poll(start));
}

TEST_CASE("the server is not asked while the fate of the first message is decided already") {
  for (const auto& first : {at(200), at(101, 1), place(2, 1, home + 1)}) {
    auto gate = with_server();
    hold(gate, "first", first);
    poll(gate, start, replayed(200));  // and nobody takes it
    CHECK(gate.deadline() == never);
    CHECK_FALSE(gate.take_poll(start + seconds(9)));
    hold(gate, "waits", at(300), start + seconds(9));
    CHECK(gate.deadline() == never);
    CHECK_FALSE(released(gate).empty());
    CHECK(gate.take_poll(start + seconds(9)));
  }
}

TEST_CASE("one poll is under way at a time, until its answer or the server's end") {
  auto gate = with_server();
  hold(gate, "a", at(200));
  CHECK(gate.take_poll(start));
  CHECK(gate.deadline() == never);
  CHECK_FALSE(gate.take_poll(start + seconds(9)));
  gate.server_down();
  gate.server_up();
  CHECK(gate.take_poll(start + seconds(9)));
}

TEST_CASE("a message is polled for at once, then ever more rarely, as its age grows") {
  auto gate = with_server();
  hold(gate, "a", at(200));
  CHECK_FALSE(gate.take_poll(start - Duration(1)));
  std::vector<Instant> polls;
  for (auto now = gate.deadline(); now < start + seconds(2); now = gate.deadline()) {
    CHECK_FALSE(gate.take_poll(now - Duration(1)));
    poll(gate, now, replayed(150));
    polls.push_back(now);
  }
  REQUIRE(polls.size() > 20);
  for (std::size_t i = 0; i <= 8; ++i) CHECK(polls[i] == start + i * microseconds(100));
  CHECK(polls[9] == start + microseconds(900));
  CHECK(polls[10] == start + microseconds(900) + std::chrono::nanoseconds(112'500));
  for (std::size_t i = 1; i < polls.size(); ++i) {
    const auto age = polls[i - 1] - start;
    const auto pause = polls[i] - polls[i - 1];
    if (age >= seconds(1)) {
      CHECK(pause == milliseconds(20));
    } else if (age >= milliseconds(40)) {
      CHECK(pause == milliseconds(5));
    } else {
      CHECK(pause == std::max<Duration>(age / 8, microseconds(100)));
    }
  }
}

TEST_CASE("a message that comes while a poll is under way is polled for right after the answer") {
  auto gate = with_server();
  hold(gate, "a", at(200));
  REQUIRE(gate.take_poll(start));
  const auto later = start + microseconds(30);
  hold(gate, "earlier position", at(190), later);
  gate.polled(replayed(150));
  CHECK(gate.deadline() == later);
}

TEST_CASE("a message that nobody could cover before an older one waits for the older one's poll") {
  auto gate = with_server();
  hold(gate, "a", at(200));
  poll(gate, start + seconds(5), replayed(150));
  hold(gate, "b", at(300), start + seconds(5) + milliseconds(1));
  CHECK(gate.deadline() == start + seconds(5) + milliseconds(20));
}

TEST_CASE("the next message is polled for at its own pace once the first is gone") {
  auto gate = with_server();
  hold(gate, "old", at(200));
  const auto later = start + seconds(5);
  hold(gate, "new", at(300), later);
  poll(gate, later, replayed(200));
  CHECK(released(gate) == "old");
  CHECK(gate.deadline() == later + microseconds(100));
}

TEST_CASE("a server that is back is asked at once about the items that wait") {
  auto gate = with_server();
  hold(gate, "a", at(200));
  poll(gate, start + seconds(5), replayed(150));
  gate.server_down();
  gate.server_up();
  CHECK(gate.take_poll(start + seconds(5) + microseconds(1)));
}

TEST_CASE("without a longest wait nothing is ever overdue") {
  auto gate = with_server();
  hold(gate, "a", at(200));
  CHECK(gate.overdue_at() == never);
  CHECK(released(gate, start + std::chrono::hours(1000)).empty());
}

TEST_CASE(
    "what has been held for the longest wait comes out as overdue, and what came later stays") {
  Gate gate(true, plenty, seconds(10));
  gate.server_up();
  hold(gate, "second", at(300), start + seconds(1));
  hold(gate, "first", at(200), start + seconds(2));
  hold(gate, "third", at(250), start + seconds(3));
  CHECK(gate.overdue_at() == start + seconds(11));
  CHECK(released(gate, start + seconds(11) - Duration(1)).empty());
  CHECK(released(gate, start + seconds(12)) == "second overdue, first overdue");
  CHECK(gate.overdue_at() == start + seconds(13));
  CHECK(gate.held().size() == 1);
  CHECK(gate.bytes() == weight);
  poll(gate, start + seconds(12), replayed(250));
  CHECK(released(gate, start + seconds(12)) == "third");
}

TEST_CASE("overdue messages of two clusters keep the order of their source") {
  Gate gate(true, plenty, seconds(10));
  hold(gate, "a", place(1, 99, 1), start, 5);
  hold(gate, "b", place(1, 98, 0), start, 5);
  hold(gate, "c", place(1, 97, 1), start, 5);
  CHECK(released(gate, start + seconds(10)) == "a overdue, b overdue, c overdue");
}

TEST_CASE("behind an overdue message goes out what the last reading covers") {
  Gate gate(true, plenty, seconds(10));
  gate.server_up();
  hold(gate, "waits", at(500), start, 1);
  hold(gate, "covered", at(150), start + seconds(9), 1);
  poll(gate, start + seconds(9), replayed(200));
  CHECK(released(gate, start + seconds(9)).empty());
  CHECK(released(gate, start + seconds(10)) == "waits overdue, covered");
}

TEST_CASE("nothing is overdue any more once all has gone out in time") {
  Gate gate(true, plenty, seconds(10));
  gate.server_up();
  hold(gate, "a", at(200));
  poll(gate, start, replayed(200));
  CHECK(released(gate) == "a");
  CHECK(gate.overdue_at() == never);
}

TEST_CASE("an overdue message that a reading covers meanwhile is not overdue") {
  Gate gate(true, plenty, seconds(10));
  gate.server_up();
  hold(gate, "a", at(200));
  hold(gate, "b", at(300));
  REQUIRE(gate.take_poll(start));
  const auto first = gate.release(start + seconds(10));
  REQUIRE(first);
  CHECK(first->visibility == Visibility::pending);
  gate.polled(replayed(300));
  CHECK(released(gate, start + seconds(10)) == "b");
}

TEST_CASE("without a server, messages of two clusters keep the order of their source") {
  Gate gate(false, plenty);
  hold(gate, "a", place(1, 99, 1), start, 5);
  hold(gate, "b", place(1, 98, 0), start, 5);
  hold(gate, "c", place(1, 97, 1), start, 5);
  CHECK(released(gate) == "a, b, c");
}

TEST_CASE("messages of one source keep their order, whatever their positions say") {
  auto gate = with_server();
  hold(gate, "a", at(300), start, 5);
  hold(gate, "b", at(200), start, 5);
  hold(gate, "c", at(250), start, 6);
  poll(gate, start, replayed(299));
  CHECK(released(gate) == "c");
  poll(gate, start + seconds(1), replayed(300));
  CHECK(released(gate) == "a, b");
}

namespace {

// The dependency that it has inherited besides its own position.
void hold_with(Gate& gate, std::string name, std::optional<Position> own, Position inherited,
               int source) {
  gate.hold({{std::move(name)}, {std::move(own), std::move(inherited)}, source, 1, start});
}

Position on(const std::string& way, std::uint64_t offset) {
  return place(tidegate::testing::history(way), offset);
}

}  // namespace

TEST_CASE("a message waits for what it has inherited, too") {
  auto gate = with_server();
  hold_with(gate, "own is there", at(200), at(300), 1);
  hold_with(gate, "no own", std::nullopt, at(250), 2);
  poll(gate, start, replayed(249));
  CHECK(released(gate).empty());
  poll(gate, start + seconds(1), replayed(299));
  CHECK(released(gate) == "no own");
  poll(gate, start + seconds(2), replayed(300));
  CHECK(released(gate) == "own is there");
}

TEST_CASE("what is inherited counts no longer where it is lost or of another cluster") {
  auto gate = with_server();
  hold_with(gate, "lost", at(200), at(101, 1), 1);
  hold_with(gate, "foreign", at(200), place(2, 900, home + 1), 2);
  hold_with(gate, "no own", std::nullopt, at(101, 1), 3);
  poll(gate, start, replayed(200));
  CHECK(released(gate) == "no own, lost, foreign");
}

TEST_CASE("what is inherited counts no longer where no server ever comes") {
  auto gate = with_server();
  hold_with(gate, "far", at(200), at(200 + (1ULL << 40U) + 1), 1);
  hold_with(gate, "far future", at(200), at(1, ~TimelineId{0}), 2);
  hold_with(gate, "not so far", at(200), at(200 + (1ULL << 40U)), 3);
  hold_with(gate, "its own is far", at(1ULL << 62U), at(150), 4);
  poll(gate, start, replayed(200));
  CHECK(released(gate) == "far, far future");
}

TEST_CASE("a message whose own change is lost is reported, whatever it has inherited") {
  auto gate = with_server();
  hold_with(gate, "a", behind(100, at(101, 1)), at(900), 1);
  poll(gate, start, replayed(200));
  CHECK(released(gate) == "a orphaned");
}

TEST_CASE("on diverged histories a message that is decided does not wait for the first one") {
  auto gate = with_server();
  hold(gate, "to come", on("1 2@100 3@500", 510));
  hold_with(gate, "there", at(200), on("1 2@90 4@95", 900), 1000);  // inherits what is lost
  hold_with(gate, "later", at(300), on("1 2@90 4@95", 900), 1001);
  poll(gate, start, replayed(200));
  CHECK(gate.decided());
  CHECK(released(gate) == "there");
  CHECK_FALSE(gate.decided());
  CHECK(gate.deadline() != never);
  gate.polled(Tide{{home, 1}, tidegate::testing::history("1 2@100 3@500"), 600});
  CHECK(released(gate) == "to come, later");
  CHECK(gate.held().empty());
}

TEST_CASE("two servers promoted apart: what the other one announced is reported, not held") {
  Gate gate(true, plenty);
  gate.server_up();
  hold(gate, "of the other", behind(250, on("1 2@100/7", 300)));
  hold(gate, "of both", on("1", 100));
  poll(gate, start, Tide{{home, 1}, tidegate::testing::history("1 2@100/8"), 900});
  CHECK(released(gate) == "of both, of the other orphaned");
}
