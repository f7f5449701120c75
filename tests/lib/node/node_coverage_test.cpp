// Questions whether a position is covered, here and everywhere.
#include <string>

#include <doctest/doctest.h>

#include "tests/lib/node/node_harness.hpp"

using namespace tidegate;
using namespace tidegate::testing;
using namespace tidegate::node;
using namespace std::chrono_literals;

namespace {

input::Ask question(Ticket ticket, const Position& position, Duration timeout = 0s,
                    Where where = Where::here) {
  return {ticket, position, timeout, where};
}
input::Ask everywhere(Ticket ticket, const Position& position, Duration timeout) {
  return question(ticket, position, timeout, Where::everywhere);
}

std::string server_is_up(NodeHarness& node, std::uint64_t lsn) {
  node.step(ServerUp{server_life, true, "", ""});
  return node.step(input::ReplayPositionRead{replayed(lsn)});
}

// The answer of another member to question `number`; it is behind the link that was dialled n-th.
std::string answer(NodeHarness& node, mesh::LinkId link, const Origin& from, std::uint64_t number,
                   std::optional<Covered> covered) {
  return node.step(input::FromLink{link, mesh::CoverageAnswer{from, number, covered}});
}

}  // namespace

TEST_CASE("a position is covered once a reading shows it, and one reading answers all who ask") {
  NodeHarness node;
  server_is_up(node, 500);
  CHECK(node.step(question(1, at(500))) == "question 1 visible");
  CHECK(node.step(question(2, at(600), 5s)) == "poll");
  CHECK(node.step(question(3, at(600), 5s)) == "");
  CHECK(node.step(question(4, at(700))) == "");
  CHECK(node.step(input::ReplayPositionRead{replayed(600)}) ==
        "question 4 pending, question 2 visible, question 3 visible");
  CHECK(node.counters().replay_reads == 1);
  CHECK(node.wait(1min).find("poll") == std::string::npos);
}

TEST_CASE("a position that names its timeline by number is asked for with the primary's history") {
  NodeHarness node;
  server_is_up(node, 500);  // timeline 2 begins at 100 there
  node.step(PrimaryUp{{home, 7}, "primary db", "", history("1 2@90")});
  const auto told = [](std::int64_t started) {
    return Position{Branch(ServerKind::postgres, home, history("2"), started), 120};
  };
  CHECK(node.step(question(1, told(7))) == "question 1 in_doubt");
  CHECK(node.step(question(2, told(8))) == "question 2 visible");  // nobody here has met that one
}

TEST_CASE("ten thousand waiters cost the server one reading, and each hears of it") {
  NodeHarness node;
  server_is_up(node, 500);
  for (Ticket ticket = 1; ticket <= 10'000; ++ticket) {
    node.step(question(ticket, at(600 + ticket % 7), 5s));
  }
  CHECK(node.counters().replay_reads == 1);
  node.step(input::ReplayPositionRead{replayed(700)});
  CHECK(node.notices<Coverage>().size() == 10'000);
  CHECK(node.counters().replay_reads == 1);
}

TEST_CASE("messages that are held and questions are answered by the same reading") {
  NodeHarness node;
  node.befriend(origin(2), "b");
  node.step(input::Subscribe{Pattern::all()});
  server_is_up(node, 500);
  CHECK(node.data(origin(2), 1, {message_at("x", at(600))}) == "poll");
  CHECK(node.step(question(1, at(600), 5s)) == "");
  CHECK(node.step(input::ReplayPositionRead{replayed(600)}) ==
        "deliver x of b, question 1 visible");
}

TEST_CASE("without a server nobody can tell whether a position is covered") {
  NodeHarness node{Options()};
  CHECK(node.step(question(1, at(5), 1min)) == "question 1 unknown");
  CHECK(node.step(question(2, at(5))) == "question 2 unknown");
}

TEST_CASE("a position of nothing is foreign") {
  NodeHarness node;
  CHECK(node.step(question(1, Position{})) == "question 1 foreign");
  CHECK(node.step(everywhere(2, Position{at(5).branch, 0}, 1s)) == "question 2 foreign");
}

TEST_CASE("a question that waits in vain is answered when its time is over, and no later") {
  NodeHarness node;
  server_is_up(node, 500);
  node.step(question(1, at(600), 100ms));
  node.step(input::ReplayPositionRead{replayed(500)});
  CHECK(node.wait(99ms).find("question") == std::string::npos);
  CHECK(node.wait(1ms).find("question 1 pending") != std::string::npos);
}

TEST_CASE("a failover that has lost the write is told to whoever waits for it") {
  NodeHarness node;
  node.step(ServerUp{server_life, true, "", ""});
  node.step(input::ReplayPositionRead{Tide{server_life, history("1"), 90}});
  auto lost = place(1, 200);
  lost.after = 150;
  node.step(question(1, lost, 1min));
  CHECK(node.step(input::ReplayPositionRead{Tide{server_life, history("1 2@100"), 101}}) ==
        "question 1 orphaned");
}

TEST_CASE("everywhere asks each member, and names the one that is behind") {
  NodeHarness node;
  node.befriend(origin(2), "b");
  node.befriend(origin(3), "c");
  server_is_up(node, 700);
  CHECK(node.step(everywhere(9, at(600), 500ms)) == "link 1: Question 9, link 2: Question 9");
  CHECK(answer(node, 1, origin(2), 9, Covered::visible) == "");
  CHECK(answer(node, 2, origin(3), 9, Covered::pending) == "");
  // Asked again, and again.
  CHECK(node.wait(20ms) == "link 2: Question 9");
  CHECK(node.wait(40ms) == "link 2: Question 9");
  CHECK(answer(node, 2, origin(3), 9, Covered::pending) == "");
  const auto told = node.wait(1s);
  CHECK(told.ends_with("question 9 pending; a visible; b visible; c pending"));
  CHECK(answer(node, 2, origin(3), 9, Covered::visible) == "");  // too late
}

TEST_CASE("everywhere is answered as soon as the last member shows the position") {
  NodeHarness node;
  node.befriend(origin(2), "b");
  node.befriend(origin(3), "c");
  server_is_up(node, 700);
  node.step(everywhere(1, at(600), 1min));
  CHECK(answer(node, 2, origin(3), 1, std::nullopt) == "");
  CHECK(answer(node, 1, origin(2), 1, Covered::visible) ==
        "question 1 visible; a visible; b visible; c unread");
  CHECK(node.wait(10s).find("Question") == std::string::npos);
}

TEST_CASE("a member that does not answer is named, one that leaves is asked no more") {
  NodeHarness node;
  node.befriend(origin(2), "b");
  node.befriend(origin(3), "c");
  server_is_up(node, 700);
  node.step(everywhere(1, at(600), 3s));
  node.step(input::FromStream{origin(3), mesh::Farewell{origin(3), 0}});
  CHECK(node.wait(3s).find("question 1 pending; a visible; b silent") != std::string::npos);
}

TEST_CASE("a member that comes while everywhere waits is asked, too") {
  NodeHarness node;
  node.befriend(origin(2), "b");
  server_is_up(node, 700);
  node.step(everywhere(1, at(600), 1min));
  node.befriend(origin(3), "c");
  CHECK(answer(node, 1, origin(2), 1, Covered::visible) == "link 2: Question 1");
  CHECK(answer(node, 2, origin(3), 1, Covered::visible) ==
        "question 1 visible; a visible; b visible; c visible");
}

TEST_CASE("one member that has lost the change decides, once all have answered") {
  NodeHarness node;
  node.befriend(origin(2), "b");
  node.befriend(origin(3), "c");
  server_is_up(node, 700);
  node.step(everywhere(1, at(800), 1min));
  node.step(input::ReplayPositionRead{replayed(700)});
  CHECK(answer(node, 1, origin(2), 1, Covered::orphaned) == "");
  CHECK(answer(node, 2, origin(3), 1, Covered::pending) ==
        "question 1 orphaned; a pending; b orphaned; c pending");
}

TEST_CASE("a question everywhere is answered once, and the server is asked no more for it") {
  NodeHarness node;
  node.befriend(origin(2), "b");
  server_is_up(node, 700);
  node.step(everywhere(1, at(800), 1min));
  node.step(input::ReplayPositionRead{replayed(700)});
  CHECK(answer(node, 1, origin(2), 1, Covered::orphaned) ==
        "question 1 orphaned; a pending; b orphaned");
  CHECK(node.wait(10s).find("poll") == std::string::npos);
  CHECK(node.step(input::ReplayPositionRead{replayed(800)}) == "");
}

TEST_CASE("a server of another cluster keeps nobody waiting") {
  NodeHarness node;
  node.befriend(origin(2), "b");
  server_is_up(node, 700);
  node.step(everywhere(1, at(600), 1min));
  CHECK(answer(node, 1, origin(2), 1, Covered::foreign) ==
        "question 1 visible; a visible; b foreign");
  node.step(everywhere(2, place(2, 5, home + 1), 1min));
  CHECK(answer(node, 1, origin(2), 2, Covered::foreign) ==
        "question 2 foreign; a foreign; b foreign");
}

TEST_CASE("a peer without a server can ask those that have one") {
  NodeHarness node{Options()};
  node.befriend(origin(2), "b");
  node.step(everywhere(1, at(600), 1min));
  CHECK(answer(node, 1, origin(2), 1, Covered::visible) ==
        "question 1 visible; a unread; b visible");
  node.step(everywhere(2, at(600), 1min));
  CHECK(answer(node, 1, origin(2), 2, std::nullopt) == "question 2 unknown; a unread; b unread");
}

TEST_CASE("an answer in another member's name, or of a stranger, counts for nobody") {
  NodeHarness node;
  node.befriend(origin(2), "b");
  node.befriend(origin(3), "c");
  server_is_up(node, 700);
  node.step(everywhere(1, at(600), 1min));
  CHECK(answer(node, 1, origin(2), 1, Covered::visible) == "");
  CHECK(answer(node, 1, origin(3), 1, Covered::visible) == "");
  CHECK(answer(node, 7, origin(9), 1, Covered::visible) == "");
  CHECK(node.counters().unexpected == 2);
  CHECK(answer(node, 2, origin(3), 1, Covered::visible).starts_with("question 1 visible"));
}

TEST_CASE("a member's question is answered at once, and refreshes what is known") {
  NodeHarness node;
  node.befriend(origin(2), "b");
  server_is_up(node, 500);
  const auto ask = [&](const Position& position) {
    return node.step(input::FromRoute{"r", "b", mesh::CoverageQuestion{origin(2), 4, position}});
  };
  CHECK(ask(at(500)) == "route r: Answer 4 visible");
  CHECK(ask(at(600)) == "poll, route r: Answer 4 pending");
  CHECK(ask(at(600)) == "route r: Answer 4 pending");
  node.step(input::ReplayPositionRead{replayed(600)});
  CHECK(ask(at(600)) == "route r: Answer 4 visible");
  node.step(ServerDown{"x"});
  CHECK(ask(at(600)) == "route r: Answer 4 unknown");
  NodeHarness reader_of_none{Options()};
  reader_of_none.befriend(origin(2), "b");
  CHECK(reader_of_none.step(input::FromRoute{
            "r", "b", mesh::CoverageQuestion{origin(2), 4, at(5)}}) == "route r: Answer 4 unread");
}

TEST_CASE("members can't make a server be read more than a hundred times a second") {
  NodeHarness node;
  node.befriend(origin(2), "b");
  server_is_up(node, 500);
  for (std::uint64_t i = 0; i < 10'000; ++i) {
    node.stop_for(100us);
    node.step(input::FromRoute{"r", "b", mesh::CoverageQuestion{origin(2), i, at(600)}});
    if (!node.all<effect::ReadReplayPosition>().empty()) {
      node.step(input::ReplayPositionRead{replayed(500)});
    }
  }
  CHECK(node.counters().replay_reads <= 101);
}

TEST_CASE("a stranger's question gets no answer") {
  NodeHarness node;
  server_is_up(node, 500);
  CHECK(node.step(input::FromRoute{"r", "x", mesh::CoverageQuestion{origin(8), 1, at(5)}}) == "");
  CHECK(node.counters().unexpected == 1);
}

TEST_CASE("a peer that leaves answers its open questions") {
  NodeHarness node;
  node.befriend(origin(2), "b");
  server_is_up(node, 500);
  node.step(question(1, at(600), 1min));
  node.step(everywhere(2, at(600), 1min));
  const auto told = node.step(input::Leave{});
  CHECK(told.find("question 1 pending") != std::string::npos);
  CHECK(told.find("question 2 pending; a pending; b silent") != std::string::npos);
}
