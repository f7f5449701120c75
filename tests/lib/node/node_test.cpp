#include "lib/node/node.hpp"

#include <algorithm>

#include <doctest/doctest.h>

#include "lib/base/limits.hpp"
#include "lib/message/footprint.hpp"
#include "tests/lib/node/node_harness.hpp"

using namespace tidegate;
using namespace tidegate::message;
using namespace tidegate::base;
using namespace tidegate::mesh;
using namespace tidegate::node;
using namespace tidegate::testing;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

const Origin b = origin(2);
const Origin c = origin(3);

// A node with the database options given, subscribed to everything, with peer b.
NodeHarness with_b(const Options& options = gated()) {
  NodeHarness a(options);
  a.step(input::Subscribe{Pattern::all()});
  if (options.database) a.step(ServerUp{server_life});
  a.befriend(b, "b");
  return a;
}

Options ungated() { return {}; }

}  // namespace

// --- the way of a message -----------------------------------------------------------------------

TEST_CASE("a published message is asked for, numbered, and sent with its position") {
  NodeHarness a;
  CHECK(a.step(PrimaryUp{primary_life}) == "primary up");
  CHECK(a.publish("builds/42", AfterCommit{}) == "ask");
  CHECK(a.step(input::CommitPositionRead{{primary_life, history("2"), Lsn{200}, Lsn{200}}}) ==
        "all: Data 1-1");
  CHECK((a.sent() == std::vector<Message>{message_at("builds/42", at(200))}));
  CHECK(a.counters().published == 1);
  CHECK(a.counters().position_queries == 1);
}

TEST_CASE("a message whose position is not flushed is asked for again, and nudged") {
  NodeHarness a;
  a.step(PrimaryUp{primary_life});
  a.publish("a", AfterCommit{});
  const input::CommitPositionRead unflushed{{primary_life, history("2"), Lsn{200}, Lsn{199}}};
  CHECK(a.step(unflushed).empty());
  std::string trace;
  while (trace != "nudge") {
    trace = a.wait(a.node().deadline() - a.now());
    REQUIRE(a.now() < start + seconds(1));
    if (trace == "ask") CHECK(a.step(unflushed).empty());
  }
  CHECK(a.counters().nudges == 1);
  CHECK(a.step(input::CommitPositionRead{{primary_life, history("2"), Lsn{300}, Lsn{300}}}) ==
        "all: Data 1-1");
  CHECK((a.sent() == std::vector<Message>{message_at("a", at(200))}));
}

TEST_CASE("an arriving message is held, polled for, and delivered when it is covered") {
  auto a = with_b();
  CHECK(a.data(b, 1, {message_at("builds/42", at(200))}) == "poll");
  CHECK(a.step(input::ReplayPositionRead{replayed(150)}).empty());
  CHECK(a.wait(milliseconds(1)) == "poll");
  a.stop_for(milliseconds(4));
  CHECK(a.step(input::ReplayPositionRead{replayed(200)}) == "deliver builds/42 of b");
  const auto delivery = a.all<node::effect::Deliver>().at(0).delivery;
  CHECK((delivery.message == message_at("builds/42", at(200))));
  CHECK((delivery.origin == b));
  CHECK(delivery.origin_name == "b");
  CHECK(delivery.sequence == 1);
  CHECK(delivery.held == milliseconds(5));
}

TEST_CASE("without a database messages are delivered at once") {
  auto a = with_b(ungated());
  CHECK(a.data(b, 1, {message_at("x", at(200)), message_at("y", std::nullopt)}) ==
        "deliver x of b, deliver y of b");
}

TEST_CASE("only messages that match a subscription of that moment are delivered") {
  NodeHarness a(ungated());
  a.befriend(b, "b");
  CHECK(a.data(b, 1, {message_at("builds/1", at(1))}).empty());
  a.step(input::Subscribe{Pattern::parse("builds/*").value()});
  CHECK(a.data(b, 2, {message_at("builds/2", at(2)), message_at("other", at(2))}) ==
        "deliver builds/2 of b");
  a.step(input::Unsubscribe{Pattern::parse("#").value()});
  CHECK(a.data(b, 4, {message_at("builds/4", at(4))}) == "deliver builds/4 of b");
  a.step(input::Unsubscribe{Pattern::parse("builds/*").value()});
  CHECK(a.data(b, 5, {message_at("builds/5", at(5))}).empty());
  CHECK(a.counters().unmatched == 3);
  CHECK(a.counters().delivered == 2);
}

TEST_CASE("a message that two subscriptions ask for is delivered once") {
  auto a = with_b(ungated());
  a.step(input::Subscribe{Pattern::parse("x").value()});
  CHECK(a.data(b, 1, {message_at("x", at(1))}) == "deliver x of b");
}

// --- S1 to S6 -----------------------------------------------------------------------------------

TEST_CASE("S1: nothing is delivered before a poll of this server's present life covers it") {
  auto a = with_b();
  a.data(b, 1, {message_at("x", at(200))});
  CHECK(a.step(input::ReplayPositionRead{replayed(199)}).empty());
  CHECK(a.wait(milliseconds(1)) == "poll");
  CHECK(a.step(input::ReplayPositionRead{replayed(200)}) == "deliver x of b");

  CHECK(a.step(ServerDown{"crash"}) == "server down");
  CHECK(a.data(b, 2, {message_at("y", at(200))}).empty());
  CHECK(a.step(ServerUp{{home, 9}}) == "server up, poll");
  CHECK(a.step(input::ReplayPositionRead{Tide{{home, 9}, history("2"), 199}}).empty());
  a.wait(milliseconds(1));
  CHECK(a.step(input::ReplayPositionRead{Tide{{home, 9}, history("2"), 200}}) == "deliver y of b");
}

TEST_CASE("S1: what a session had told counts no more while it is renewed, and nobody is told") {
  auto a = with_b();
  a.step(input::ReplayPositionRead{replayed(200)});
  CHECK(a.step(input::TideForgotten{}).empty());
  a.data(b, 1, {message_at("x", at(200))});
  CHECK(a.step(input::ReplayPositionRead{replayed(150)}).empty());
  a.wait(milliseconds(1));
  CHECK(a.step(input::ReplayPositionRead{replayed(200)}) == "deliver x of b");
}

TEST_CASE("S2: a change that a failover has undone is reported as orphaned, never delivered") {
  auto a = with_b();
  auto undone = at(101, 1);
  undone.after = 100;
  a.data(b, 1, {message_at("kept", at(100, 1)), message_at("undone", undone)});
  CHECK(a.step(input::ReplayPositionRead{replayed(1000)}) ==
        "deliver kept of b, undelivered 2-2 of b: orphaned");
  CHECK(a.notices<Undelivered>().at(0).position == undone);
  CHECK(a.counters().orphaned == 1);
}

TEST_CASE("S2: a change that a failover may have undone or not is in doubt, never delivered") {
  auto a = with_b();
  auto around_the_end = at(102, 1);
  around_the_end.after = 99;
  a.data(b, 1, {message_at("x", around_the_end), message_at("y", at(101, 1))});
  CHECK(a.step(input::ReplayPositionRead{replayed(1000)}) ==
        "undelivered 1-1 of b: in_doubt, undelivered 2-2 of b: in_doubt");
  CHECK(to_string(a.notices<Undelivered>().at(0).topic.value()) == "x");
  CHECK(a.counters().in_doubt == 2);
  CHECK(a.counters().orphaned == 0);
}

TEST_CASE("a publisher is told once which of its changes a new history of its primary has undone") {
  NodeHarness a;
  a.step(PrimaryUp{{home, 1}, "", "", history("1")});
  auto undone = at(120, 1);
  undone.after = 110;
  a.publish("kept", at(100, 1));
  a.publish("undone", undone);
  a.publish("nothing");
  a.publish("perhaps", at(130, 1));
  const auto told = "undone 2 as 2: orphaned, undone 4 as 4: in_doubt";
  CHECK(a.step(PrimaryUp{{home, 2}, "", "", history("1 2@110/7")}) ==
        std::string("primary up, ") + told);
  CHECK(to_string(a.notices<Undone>().at(0).topic) == "undone");
  CHECK(a.notices<Undone>().at(1).position == at(130, 1));
  CHECK(a.counters().undone == 2);
  CHECK(a.step(PrimaryUp{{home, 3}, "", "", history("1 2@110/7 3@140/8")}) == "primary up");
}

TEST_CASE("a publisher is told what the server that it reads will never show of its own") {
  NodeHarness a;
  a.step(ServerUp{{home, 1}});
  a.publish("perhaps", at(130, 1));
  CHECK(a.step(input::ReplayPositionRead{Tide{{home, 1}, history("1"), 90}}).empty());
  CHECK(a.step(input::ReplayPositionRead{Tide{{home, 1}, history("1 2@110/7"), 120}}) ==
        "undone 1 as 1: in_doubt");
}

TEST_CASE("a history of which a part is not known undoes nothing") {
  NodeHarness a;
  a.publish("perhaps", at(130, 1));
  CHECK(a.step(PrimaryUp{{home, 2}, "", "", history("2")}) == "primary up");
}

TEST_CASE("a change that would lie behind its own position is published as one that is not told") {
  NodeHarness a;
  auto wrong = at(120, 2);
  wrong.after = 120;
  a.publish("1", wrong);
  CHECK(a.sent().at(0).position == at(120, 2));
}

TEST_CASE("S2: a position from before a failover does not become a later one") {
  NodeHarness a;
  CHECK(a.publish("1", at(120, 2)) == "all: Data 1-1");
  CHECK(a.publish("2", at(130, 1)) == "all: Data 2-2");
  CHECK((a.sent().at(0) == message_at("2", at(130, 1), 0, at(120, 2))));
}

TEST_CASE("N1: each accepted message is answered once, by its ticket, if that is wished") {
  auto options = gated();
  options.report_sent = true;
  NodeHarness a(options);
  a.step(PrimaryUp{primary_life});
  CHECK(a.publish("1") == "sent 1 as 1, all: Data 1-1");
  CHECK(a.publish("2", at(50)) == "sent 2 as 2, all: Data 2-2");
  CHECK(a.notices<Sent>().at(0).position == at(50));
  CHECK(a.publish("3", AfterCommit{}) == "ask");
  a.step(PrimaryDown{});
  a.step(PrimaryUp{{home, 3}});
  CHECK(a.step(input::CommitPositionRead{{{home, 3}, history("2"), Lsn{60}, Lsn{60}}}) ==
        "unpublished 3: primary_lost");
  CHECK(a.notices<Unpublished>().at(0).ticket == 3);
  CHECK(
      a.turn({input::Publish{message_at("4", {}), {}}, input::Publish{message_at("5", {}), {}}}) ==
      "sent 4 as 3, sent 5 as 4, all: Data 3-4");
  CHECK(a.publish("6", AfterCommit{}) == "ask");
  CHECK(a.step(input::Leave{}) == "unpublished 6: left, all: Farewell 4");
  CHECK(a.notices<Unpublished>().at(0).ticket == 6);
}

TEST_CASE("what is undelivered is told with its topic, where that is known") {
  auto a = with_b();
  a.data(b, 1, {message_at("undone", at(101, 1))});
  a.step(input::ReplayPositionRead{replayed(1000)});
  CHECK(a.notices<Undelivered>().at(0).topic == Topic::parse("undone").value());
  a.data(b, 3, {message_at("y", at(2))});
  a.step(input::FromStream{b, Farewell{b, 3}});
  CHECK_FALSE(a.notices<Undelivered>().at(0).topic);
}

TEST_CASE("S3: whatever arrives again is delivered once, also from a peer that was gone") {
  auto a = with_b(ungated());
  const auto messages = std::vector<Message>{message_at("x", at(1)), message_at("y", at(2))};
  CHECK(a.data(b, 1, messages) == "deliver x of b, deliver y of b");
  CHECK(a.data(b, 1, messages).empty());
  CHECK(a.counters().duplicate == 2);

  CHECK(a.wait(seconds(7)).find("b is gone: silent") != std::string::npos);
  CHECK(a.data(b, 3, {message_at("z", at(3))}).empty());  // nobody follows it now
  a.befriend(b, "b", 4);
  CHECK(a.data(b, 1, messages).empty());
  CHECK(a.data(b, 4, {message_at("w", at(4))}).empty());
  CHECK(a.wait(milliseconds(10)) == "link 2: Request 3-3");
  CHECK(a.step(input::FromLink{2, Data{b, 3, {message_at("z", at(3))}}}) ==
        "deliver z of b, deliver w of b");
}

TEST_CASE("S4: the messages of a peer are sent in publish order, each with what it inherits") {
  NodeHarness a;
  a.step(PrimaryUp{primary_life});
  a.publish("1", at(300));
  a.publish("2", AfterCommit{});
  a.publish("3", NoChange{});
  a.publish("4", at(100));
  CHECK(a.step(input::CommitPositionRead{{primary_life, history("2"), Lsn{200}, Lsn{200}}}) ==
        "all: Data 2-4");
  CHECK((a.sent() == std::vector<Message>{message_at("2", at(200), 0, at(300)),
                                          message_at("3", std::nullopt, 0, at(300)),
                                          message_at("4", at(100), 0, at(300))}));
}

TEST_CASE("S4: the messages of a peer are delivered in its order, however they became covered") {
  auto a = with_b();
  a.data(b, 1, {message_at("1", std::nullopt), message_at("2", at(200)), message_at("3", at(200))});
  a.data(b, 4, {message_at("4", at(200)), message_at("5", at(300))});
  CHECK(a.step(input::ReplayPositionRead{replayed(200)}) ==
        "deliver 2 of b, deliver 3 of b, deliver 4 of b");
  CHECK(a.wait(milliseconds(1)) == "poll");
  CHECK(a.step(input::ReplayPositionRead{replayed(300)}) == "deliver 5 of b");
}

TEST_CASE("S5: messages held at the same time go by timeline, LSN, origin, sequence") {
  auto a = with_b();
  a.befriend(c, "c");
  a.data(c, 1,
         {message_at("c1", at(100, 1)), message_at("c2", at(200)), message_at("c3", at(201))});
  a.data(b, 1, {message_at("b1", at(200)), message_at("b2", at(200)), message_at("b3", at(202))});
  CHECK(a.step(input::ReplayPositionRead{replayed(500)}) ==
        "deliver c1 of c, deliver b1 of b, deliver b2 of b, deliver c2 of c, deliver c3 of c, "
        "deliver b3 of b");
}

TEST_CASE("S6: a message inherits the furthest position published or delivered") {
  auto a = with_b();
  a.publish("before");
  CHECK(a.sent().at(0).inherited == std::nullopt);

  a.data(b, 1, {message_at("x", at(200))});
  a.publish("held is not delivered");
  CHECK(a.sent().at(0).inherited == std::nullopt);
  a.step(input::ReplayPositionRead{replayed(200)});
  a.publish("answer");
  CHECK((a.sent().at(0) == message_at("answer", std::nullopt, 0, at(200))));

  a.publish("own", at(300));
  CHECK((a.sent().at(0) == message_at("own", at(300))));
  a.publish("later");
  CHECK((a.sent().at(0) == message_at("later", std::nullopt, 0, at(300))));
}

TEST_CASE("S6: an answer to a message inherits what that one had, where the server shows it") {
  auto a = with_b();
  a.data(b, 1, {message_at("x", std::nullopt, 0, at(200))});
  a.step(input::ReplayPositionRead{replayed(200)});
  a.publish("answer");
  CHECK(a.sent().at(0).inherited == at(200));
  a.data(b, 2, {message_at("y", std::nullopt, 0, at(101, 1))});  // what y inherited is lost
  CHECK(a.counters().delivered == 2);
  a.publish("answer");
  CHECK(a.sent().at(0).inherited == at(200));
}

TEST_CASE("S6: a message is delivered once what it inherits is visible or lost") {
  auto a = with_b();
  a.data(b, 1, {message_at("x", at(200), 0, at(300))});
  CHECK(a.step(input::ReplayPositionRead{replayed(299)}).empty());
  a.wait(milliseconds(1));
  CHECK(a.step(input::ReplayPositionRead{replayed(300)}) == "deliver x of b");
  CHECK(a.data(b, 2, {message_at("y", at(200), 0, at(101, 1))}) == "deliver y of b");
  CHECK(a.data(b, 3, {message_at("z", at(101, 1), 0, at(200))}) ==
        "undelivered 3-3 of b: in_doubt");
}

// --- L1, B1, N1 ---------------------------------------------------------------------------------

TEST_CASE("L1: once the replica has replayed the tag, delivery takes one poll interval") {
  for (const auto lag : {milliseconds(0), milliseconds(1), milliseconds(30), milliseconds(400),
                         milliseconds(5000), milliseconds(60000)}) {
    CAPTURE(lag.count());
    auto a = with_b();
    const auto due = a.now() + lag;
    const auto longest = std::max<Duration>(milliseconds(20), lag / 500);
    auto last_poll = a.now();
    auto trace = a.data(b, 1, {message_at("x", at(200))});
    while (true) {
      REQUIRE(a.now() <= due + longest);
      if (trace == "deliver x of b") break;
      // Others keep the mesh alive meanwhile; the server answers after 30 us.
      if (trace.find("poll") != std::string::npos) {
        last_poll = a.now();
        a.stop_for(std::chrono::microseconds(30));
        trace = a.step(input::ReplayPositionRead{replayed(last_poll >= due ? 200 : 150)});
      } else {
        a.wait(Duration(0));
        trace = a.wait(std::max(Duration(0), a.node().deadline() - a.now()));
      }
    }
    CHECK(a.now() - due <= std::min<Duration>(longest, lag / 8) + milliseconds(1));
  }
}

TEST_CASE("B1: at the bound a message is let go, not delivered early, and fetched again later") {
  auto options = gated();
  options.payload_bytes = 1000;
  options.held_bytes = footprint_of(1000, limits::topic_bytes);
  auto a = with_b(options);
  CHECK(a.data(b, 1, {message_at("x", at(200), 4000)}) == "poll");
  const auto rest = std::vector<Message>{message_at("y", at(200), 4000), message_at("z", at(300))};
  CHECK(a.data(b, 2, rest).empty());
  CHECK(a.status().held == 1);
  CHECK(a.status().peers.at(0).missing == 2);
  CHECK(a.status().held_bytes <= options.held_bytes);
  CHECK(a.counters().refused_full == 2);
  // As long as there is no room nobody is asked.
  CHECK(a.wait(milliseconds(50)) == "");
  CHECK(a.step(input::ReplayPositionRead{replayed(200)}) == "deliver x of b, link 1: Request 2-3");
  CHECK(a.step(input::FromLink{1, Data{b, 2, rest}}) == "deliver y of b, poll");
  CHECK(a.step(input::FromLink{1, Retained{b, 1}}).empty());
  CHECK(a.status().held == 1);
  CHECK(a.status().peers.at(0).missing == 0);
  CHECK(a.counters().recovered == 2);
}

TEST_CASE("at the bound a message that can go at once is not refused") {
  auto options = gated();
  options.payload_bytes = 1000;
  options.held_bytes = footprint_of(1000, limits::topic_bytes);
  auto a = with_b(options);
  a.befriend(c, "c");
  CHECK(a.data(b, 1, {message_at("x", at(300), 5000)}) == "poll");
  a.step(input::ReplayPositionRead{replayed(200)});
  CHECK(a.data(c, 1, {message_at("y", at(200), 4000)}) == "deliver y of c");
  a.step(input::Demand{false});
  CHECK(a.data(c, 2, {message_at("z", at(200), 4000)}).empty());
  CHECK(a.counters().refused_full == 1);
}

TEST_CASE("N1: lost messages of a peer that leaves or is silent for long are reported as ranges") {
  auto a = with_b(ungated());
  CHECK(a.data(b, 3, {message_at("x", at(1))}).empty());
  CHECK(a.data(b, 6, {message_at("y", at(1))}).empty());
  CHECK(a.step(input::FromStream{b, Farewell{b, 8}}) ==
        "undial 1, unfollow b, b is gone: left, undelivered 1-2 of b: missing, deliver x of b, "
        "undelivered 4-5 of b: missing, deliver y of b, undelivered 7-8 of b: missing");
  CHECK((a.notices<Undelivered>().at(0).origin == b));
  CHECK(a.counters().missing == 6);

  a.befriend(c, "c");
  a.data(c, 2, {message_at("x", at(1))});
  const auto trace = a.wait(seconds(7));
  CHECK(trace.find("c is gone: silent, undelivered 1-1 of c: missing, deliver x of c") !=
        std::string::npos);
}

TEST_CASE("N1: a change of another cluster is reported as foreign") {
  auto a = with_b();
  a.data(b, 1, {message_at("x", place(2, 1, home + 1))});
  CHECK(a.step(input::ReplayPositionRead{replayed(200)}) == "undelivered 1-1 of b: foreign");
  CHECK(a.counters().foreign == 1);
}

TEST_CASE("N1: held messages of a peer that left are still delivered or reported, with its name") {
  auto a = with_b();
  a.data(b, 1, {message_at("x", at(200)), message_at("y", place(9, 1, home + 1))});
  a.step(input::FromStream{b, Farewell{b, 2}});
  a.wait(std::chrono::minutes(25));
  CHECK(a.step(input::ReplayPositionRead{replayed(200)}) ==
        "deliver x of b, undelivered 2-2 of b: foreign");
}

TEST_CASE("N1: whatever the network and the failover do, each sequence has exactly one fate") {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    CAPTURE(seed);
    Random random(seed);
    auto options = gated();
    options.payload_bytes = 1;
    options.held_bytes = footprint_of(1, limits::topic_bytes);
    auto a = with_b(options);
    std::vector<int> fates(1, 1);  // by sequence, how often it was delivered or reported
    const auto count = [&] {
      for (const auto& deliver : a.all<node::effect::Deliver>()) {
        ++fates.at(deliver.delivery.sequence);
      }
      for (const auto& one : a.notices<Undelivered>()) {
        for (auto i = one.first; i <= one.last; ++i) ++fates.at(i);
      }
    };
    std::uint64_t lsn = 1;
    for (int i = 0; i < 200; ++i) {
      const auto first = fates.size();
      std::vector<Message> messages;
      for (auto n = 1 + random.below(3); n > 0; --n) {
        lsn += random.below(20);
        const Position old = at(lsn, 1);
        messages.push_back(message_at("x", random.below(20) == 0 ? place(1, lsn, home + 1)
                                           : lsn < 130           ? old
                                                                 : at(lsn)));
        fates.push_back(0);
      }
      const auto times = random.below(4);  // lost, once, or repeated
      for (auto n = times; n > 0; --n) {
        a.data(b, first, messages);
        count();
      }
      if (random.below(3) == 0) {
        const auto last = fates.size() - 1;
        const auto kept = 1 + last - random.below(std::min<std::size_t>(last + 1, 30));
        a.step(
            input::FromStream{b, Heartbeat{b, std::max<std::size_t>(kept, 1), last, std::nullopt}});
        count();
      }
      if (random.below(2) == 0) {
        a.wait(milliseconds(random.below(20)));
        count();
        if (!a.all<node::effect::ReadReplayPosition>().empty()) {
          a.step(input::ReplayPositionRead{replayed(lsn - std::min(lsn, random.below(50)))});
          count();
        }
      }
    }
    a.step(input::FromStream{b, Farewell{b, fates.size() - 1}});
    count();
    a.step(ServerDown{});
    a.step(ServerUp{server_life});
    count();
    a.step(input::ReplayPositionRead{replayed(lsn)});
    count();
    CHECK(std::count(fates.begin(), fates.end(), 1) == static_cast<std::ptrdiff_t>(fates.size()));
    CHECK(a.status().held == 0);
  }
}
