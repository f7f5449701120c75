// The bounds of a node's steps, its timers, and how it leaves.
#include <doctest/doctest.h>

#include "lib/base/limits.hpp"
#include "lib/message/footprint.hpp"
#include "lib/node/node.hpp"
#include "tests/lib/node/node_harness.hpp"

using namespace tidegate;
using namespace tidegate::message;
using namespace tidegate::base;
using namespace tidegate::mesh;
using namespace tidegate::node;
using namespace tidegate::testing;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

namespace {

const Origin b = origin(2);

NodeHarness with_b(const Options& options = gated()) {
  NodeHarness a(options);
  a.step(input::Subscribe{Pattern::all()});
  if (options.database) a.step(ServerUp{server_life});
  a.befriend(b, "b");
  return a;
}

std::vector<Message> many(std::size_t count, std::size_t payload_bytes = 0) {
  return std::vector<Message>(count, message_at("x", at(200), payload_bytes));
}

std::vector<Input> publish_many(std::size_t count, std::size_t payload_bytes = 0) {
  std::vector<Input> inputs;
  for (std::size_t i = 0; i < count; ++i) {
    inputs.emplace_back(
        input::Publish{message_at("x", std::nullopt, payload_bytes), Dependency{NoChange{}}});
  }
  return inputs;
}

}  // namespace

// --- releases -----------------------------------------------------------------------------------

TEST_CASE("a step releases no more than the limit and asks to be called again at once") {
  const auto limit = limits::releases_per_step;
  auto a = with_b();
  a.data(b, 1, many(2 * limit + 1));
  a.step(input::ReplayPositionRead{replayed(200)});
  CHECK(a.all<node::effect::Deliver>().size() == limit);
  CHECK(a.node().deadline() == Instant::min());
  a.step(input::TimePassed{});
  CHECK(a.all<node::effect::Deliver>().size() == limit);
  CHECK(a.node().deadline() == Instant::min());
  a.step(input::TimePassed{});
  CHECK(a.all<node::effect::Deliver>().size() == 1);
  CHECK(a.node().deadline() > a.now());
}

TEST_CASE("a step releases no more bytes than the limit, and one message at least") {
  Options options;
  auto a = with_b(options);
  const std::size_t half = limits::release_bytes_per_step / 2;
  a.data(b, 1, many(4, half));
  CHECK(a.all<node::effect::Deliver>().size() == 2);
  CHECK(a.node().deadline() == Instant::min());
  a.step(input::TimePassed{});
  CHECK(a.all<node::effect::Deliver>().size() == 2);

  a.data(b, 5, many(2, limits::payload_bytes));
  CHECK(a.all<node::effect::Deliver>().size() == 1);
  a.step(input::TimePassed{});
  CHECK(a.all<node::effect::Deliver>().size() == 1);
}

TEST_CASE(
    "S4: what arrives while more is to be released stays behind it, though it is covered too") {
  auto a = with_b();
  a.data(b, 1, many(limits::releases_per_step + 1));
  a.step(input::ReplayPositionRead{replayed(200)});
  REQUIRE(a.all<node::effect::Deliver>().size() == limits::releases_per_step);
  a.data(b, limits::releases_per_step + 2, many(1));
  const auto deliveries = a.all<node::effect::Deliver>();
  REQUIRE(deliveries.size() == 2);
  CHECK(deliveries[0].delivery.sequence == limits::releases_per_step + 1);
  CHECK(deliveries[1].delivery.sequence == limits::releases_per_step + 2);
}

TEST_CASE("while the application takes nothing, messages stay held and are asked for no longer") {
  auto a = with_b();
  a.step(input::Demand{false});
  CHECK(a.data(b, 1, many(2)) == "poll");
  CHECK(a.step(input::ReplayPositionRead{replayed(200)}).empty());
  CHECK(a.wait(seconds(1)).empty());
  CHECK(a.status().held == 2);
  CHECK(a.step(input::Demand{true}) == "deliver x of b, deliver x of b");
}

TEST_CASE("a flood of releases does not hold up the heartbeat") {
  auto a = with_b();
  a.data(b, 1, many(5 * limits::releases_per_step));
  a.stop_for(milliseconds(500));
  a.step(input::ReplayPositionRead{replayed(200)});
  CHECK_FALSE(a.all<node::effect::Broadcast>().empty());
}

// --- sending ------------------------------------------------------------------------------------

TEST_CASE("messages that are published in one turn share a frame") {
  NodeHarness a;
  a.wait(Duration(0));
  CHECK(a.turn(publish_many(3)) == "all: Data 1-3");
  CHECK(a.turn(publish_many(1)) == "all: Data 4-4");
}

TEST_CASE("a frame takes no more bytes than the limit, and one message whatever its size") {
  NodeHarness a;
  a.wait(seconds(1));
  const auto one = footprint(message_at("x", std::nullopt));
  const auto half = limits::batch_bytes / 2 - one;
  CHECK(a.turn(publish_many(4, half)) == "all: Data 1-2, all: Data 3-4");
  CHECK(a.turn(publish_many(2, half + 1)) == "all: Data 5-5, all: Data 6-6");
  CHECK(a.turn(publish_many(2, limits::batch_bytes)) == "all: Data 7-7, all: Data 8-8");
}

TEST_CASE("a frame is not filled up once something else stands behind it") {
  NodeHarness a;
  std::vector<Input> inputs = publish_many(1);
  inputs.emplace_back(Warning{"something"});
  for (auto& more : publish_many(1)) inputs.push_back(std::move(more));
  CHECK(a.turn(std::move(inputs)) == "all: Data 1-1, warning: something, all: Data 2-2");
}

TEST_CASE(
    "a message whose change the primary took with it comes back as unpublished, in its place") {
  NodeHarness a;
  a.step(PrimaryUp{primary_life});
  a.publish("x", AfterCommit{});
  a.publish("y");
  a.step(PrimaryDown{});
  CHECK(a.step(PrimaryUp{{home, 3}}) == "primary up, ask");
  CHECK(a.step(input::CommitPositionRead{{{home, 3}, history("3"), Lsn{300}, Lsn{300}}}) ==
        "unpublished x: primary_lost, all: Data 1-1");
  CHECK(a.counters().unpublished == 1);
}

TEST_CASE("a peer does not receive its own messages") {
  auto a = with_b(Options{});
  a.publish("x");
  CHECK(a.data(origin(1), 1, many(1)).empty());
  CHECK(a.counters().unexpected == 1);
}

// --- time ---------------------------------------------------------------------------------------

TEST_CASE("a heartbeat says every 500 ms how far the stream is") {
  NodeHarness a;
  const auto heartbeats = [&] {
    std::vector<Heartbeat> found;
    for (const auto& broadcast : a.all<node::effect::Broadcast>()) {
      if (const auto* one = std::get_if<Heartbeat>(&broadcast.frame)) found.push_back(*one);
    }
    return found;
  };
  a.wait(Duration(0));
  CHECK((heartbeats() == std::vector<Heartbeat>{{origin(1), 1, 0, std::nullopt}}));
  a.publish("x", at(200));
  a.wait(milliseconds(500) - Duration(1));
  CHECK(heartbeats().empty());
  a.wait(Duration(1));
  CHECK((heartbeats() == std::vector<Heartbeat>{{origin(1), 1, 1, at(200)}}));
  a.wait(seconds(5));
  CHECK(heartbeats().size() == 10);
}

TEST_CASE("a frame that speaks for another publisher than the one of its stream is dropped") {
  NodeHarness a;
  const auto c = origin(3);
  a.step(input::Subscribe{Pattern::all()});
  a.befriend(b, "b");
  a.befriend(c, "c");
  CHECK(a.step(input::FromStream{c, Data{b, 1, {message_at("forged", std::nullopt)}}}).empty());
  CHECK(a.step(input::FromStream{c, Heartbeat{b, 1, 9, std::nullopt}}).empty());
  CHECK(a.step(input::FromStream{c, Farewell{b, 0}}).empty());
  CHECK(a.counters().unexpected == 3);
  CHECK(a.data(b, 1, {message_at("true", std::nullopt)}) == "deliver true of b");
}

TEST_CASE("the announcements of the first moments ask for a reply, later ones do not") {
  NodeHarness a;
  a.wait(milliseconds(500));
  const auto burst = a.all<node::effect::Announce>();
  CHECK(burst.size() == 3);
  for (const auto& one : burst) CHECK(one.announcement.reply_wanted);
  a.wait(seconds(10));
  const auto later = a.all<node::effect::Announce>();
  REQUIRE_FALSE(later.empty());
  auto counter = burst.back().announcement.counter;
  for (const auto& one : later) {
    CHECK(
        (one.announcement == Announcement{"default", origin(1), 10, 20, false, false, ++counter}));
  }
}

TEST_CASE("a newcomer and a known peer that asks are answered soon, strangers and itself are not") {
  const auto announced_soon = [](const Announcement& heard, bool known) {
    auto options = gated();
    options.gone_after = minutes(10);
    NodeHarness a(options);
    if (known) a.befriend(b, "b");
    a.wait(seconds(31));
    a.wait(a.node().deadline() - a.now() + milliseconds(60));
    while (a.all<node::effect::Announce>().empty()) a.wait(milliseconds(100));
    a.wait(milliseconds(60));
    a.step(input::Heard{heard, "b"});
    a.wait(milliseconds(40));
    return !a.all<node::effect::Announce>().empty();
  };
  CHECK(announced_soon({"default", b, 10, 20, false, false}, false));
  CHECK(announced_soon({"default", b, 10, 20, false, true}, true));
  CHECK_FALSE(announced_soon({"default", b, 10, 20, false, false}, true));
  CHECK_FALSE(announced_soon({"elsewhere", b, 10, 20, false, true}, false));
  CHECK_FALSE(announced_soon({"default", origin(1), 10, 20, false, true}, false));
}

TEST_CASE("a process that was stopped does not hold the silence against the others") {
  auto a = with_b();
  a.wait(milliseconds(900));
  a.stop_for(minutes(1));
  CHECK(a.step(input::TimePassed{}).empty());
  CHECK(a.node().ready_count() == 1);
  CHECK(a.wait(milliseconds(900)).empty());
  CHECK(a.node().ready_count() == 1);
  CHECK(a.wait(seconds(5)).find("b is gone: silent") != std::string::npos);
}

TEST_CASE("a process that was stopped in the middle of a flood does not hold it against them") {
  auto a = with_b();
  a.data(b, 1, many(limits::releases_per_step + 1));
  a.step(input::ReplayPositionRead{replayed(200)});
  REQUIRE(a.node().deadline() == Instant::min());
  a.stop_for(minutes(1));
  a.step(input::TimePassed{});
  CHECK(a.node().ready_count() == 1);
}

TEST_CASE("a process that runs is not excused: the silence is the other's") {
  auto a = with_b();
  a.wait(seconds(3));
  CHECK(a.status().peers.at(0).state == PeerState::suspect);
}

// --- strangers ----------------------------------------------------------------------------------

TEST_CASE("a hello of another protocol version is refused with both versions") {
  NodeHarness a;
  CHECK(a.step(input::FromRoute{"r", "b", OtherVersion{7}}) == "route r: Refusal");
  const auto refusal = std::get<Refusal>(a.all<node::effect::ToRoute>().at(0).frame);
  CHECK(refusal.reason.find("version 3, not 7") != std::string::npos);
  CHECK(refusal.reason.size() <= limits::reason_bytes);
  CHECK(a.counters().refused == 1);
  CHECK(a.status().stranger == "b, which speaks protocol version 7, not 3; upgrade the older one");
}

TEST_CASE("a refusal is told to the application") {
  NodeHarness a;
  a.step(input::Heard{{"default", b, 10, 20}, "b"});
  CHECK(a.step(input::FromLink{1, Refusal{"not you"}}) ==
        "undial 1, warning: a peer refused this one: not you");
  CHECK(a.counters().refused == 1);
}

TEST_CASE("frames that are not expected from there are counted and have no effect") {
  auto a = with_b();
  std::uint64_t count = 0;
  const auto ignored = [&](Input input) {
    CHECK(a.step(std::move(input)).empty());
    CHECK(a.counters().unexpected == ++count);
  };
  ignored(input::FromStream{origin(9), Data{origin(9), 1, many(1)}});
  ignored(input::FromStream{origin(9), Heartbeat{origin(9), 1, 5, std::nullopt}});
  ignored(input::FromStream{origin(9), Farewell{origin(9), 5}});
  ignored(input::FromRoute{"r", "b", Ready{origin(9), origin(1), 1, 1}});
  ignored(input::FromRoute{"r", "b", Listening{origin(9), origin(1)}});
  ignored(input::FromLink{99, Data{b, 1, many(1)}});
  ignored(input::FromLink{1, Vouch{origin(9)}});
  ignored(input::FromLink{1, OtherVersion{7}});
  ignored(input::FromLink{99, Refusal{"no"}});
}

// --- leaving ------------------------------------------------------------------------------------

TEST_CASE("leaving returns the messages that wait, says farewell and ends everything") {
  auto a = with_b();
  a.step(PrimaryUp{primary_life});
  a.publish("sent");
  a.publish("asked", AfterCommit{});
  a.publish("behind");
  CHECK(a.step(input::Leave{}) ==
        "unpublished asked: left, unpublished behind: left, all: Farewell 1");
  REQUIRE(a.all<node::effect::Announce>().size() == 1);
  const auto last = a.all<node::effect::Announce>()[0].announcement;
  CHECK((last == Announcement{"default", origin(1), 10, 20, true, false, last.counter}));
  CHECK(a.node().deadline() == never);
  CHECK(a.node().unsent() == 0);
  CHECK(a.step(input::CommitPositionRead{{primary_life, history("2"), Lsn{1}, Lsn{1}}}).empty());
  CHECK(a.publish("late").empty());
  CHECK(a.wait(minutes(1)).empty());
}

// --- status -------------------------------------------------------------------------------------

TEST_CASE("the status lists the members, the held messages and the positions") {
  auto a = with_b();
  a.step(PrimaryUp{primary_life});
  a.data(b, 1, {message_at("x", at(300)), message_at("y", at(300), 100)});
  a.step(input::ReplayPositionRead{replayed(250)});
  a.publish("own", at(220));
  a.publish("waits", AfterCommit{});
  a.stop_for(milliseconds(50));
  const auto status = a.status();
  CHECK((status.origin == origin(1)));
  CHECK(status.name == "a");
  CHECK(status.mesh == "default");
  CHECK(status.publish_port == 10);
  CHECK(status.direct_port == 20);
  CHECK(status.up == milliseconds(50));
  CHECK(status.gated);
  CHECK(status.tide == replayed(250));
  CHECK(status.held == 2);
  CHECK(status.held_first == at(300));
  CHECK(status.held_longest == milliseconds(50));
  CHECK(status.held_bytes == 2 * footprint(message_at("x", at(300))) + 100);
  CHECK(status.primary_known);
  CHECK(status.unsent == 1);
  CHECK(status.unsent_bytes == footprint(message_at("waits", std::nullopt)));
  CHECK(status.last_sequence == 1);
  CHECK(status.last_position == at(220));
  REQUIRE(status.peers.size() == 1);
  const auto& peer = status.peers[0];
  CHECK((peer.origin == b));
  CHECK(peer.name == "b");
  CHECK(peer.host == "b");
  CHECK(peer.direct_port == 20);
  CHECK(peer.state == PeerState::ready);
  CHECK(peer.silent == milliseconds(50));
  CHECK(peer.next_sequence == 3);
  CHECK(peer.held == 2);
}
