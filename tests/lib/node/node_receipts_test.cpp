// Acknowledged messages: how their publisher learns who has them, and what a receiver says.
#include <doctest/doctest.h>

#include "lib/message/footprint.hpp"
#include "tests/lib/node/node_harness.hpp"

using namespace tidegate;
using namespace tidegate::node;
using namespace tidegate::testing;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

const auto b = origin(2);
const auto c = origin(3);

// b is behind link 1, c behind link 2.
NodeHarness with_b_and_c() {
  NodeHarness a(Options{});
  a.befriend(b, "b");
  a.befriend(c, "c");
  return a;
}

NodeHarness with_b(const Options& options = Options{}) {
  NodeHarness a(options);
  a.befriend(b, "b");
  return a;
}

std::string answer(NodeHarness& a, mesh::LinkId link, const Origin& from, std::uint64_t last,
                   std::uint64_t first = 1) {
  return a.step(input::FromLink{link, mesh::Receipt{from, first, last}});
}

std::string ask(NodeHarness& a, std::uint64_t last, const std::string& route = "r") {
  return a.step(input::FromRoute{route, "b", mesh::ReceiptRequest{b, last}});
}

std::string heartbeat(NodeHarness& a, const Origin& from) {
  return a.step(input::FromStream{from, mesh::Heartbeat{from, 1, 0, std::nullopt}});
}

}  // namespace

// --- the publisher ------------------------------------------------------------------------------

TEST_CASE("a message is acknowledged once every peer that was ready has it") {
  auto a = with_b_and_c();
  CHECK(a.publish_acknowledged("x") == "all: Data 1-1");
  CHECK(a.wait(Duration(0)) == "link 1: ReceiptRequest 1, link 2: ReceiptRequest 1");
  CHECK(answer(a, 1, b, 1).empty());
  CHECK(a.node().unacknowledged() == 1);
  CHECK(answer(a, 2, c, 1) == "received 1");
  CHECK(a.node().unacknowledged() == 0);
  CHECK(a.wait(seconds(1)).empty());
}

TEST_CASE("a member that claims what is not published yet has not acknowledged it") {
  auto a = with_b_and_c();
  a.publish_acknowledged("1");
  a.wait(Duration(0));
  CHECK(answer(a, 1, b, 5).empty());
  a.publish_acknowledged("2");
  CHECK(answer(a, 2, c, 1) == "received 1");
  a.wait(milliseconds(1));
  CHECK(answer(a, 2, c, 2).empty());
  CHECK(a.node().unacknowledged() == 1);
  CHECK(answer(a, 1, b, 2) == "received 2");
}

TEST_CASE("nobody is asked for a message that is not to be acknowledged") {
  auto a = with_b();
  a.publish("x");
  CHECK(a.wait(seconds(1)).empty());
  CHECK(a.node().unacknowledged_bytes() == 0);
}

TEST_CASE("where nobody is ready a message is acknowledged behind its being sent") {
  Options options;
  options.report_sent = true;
  NodeHarness a(options);
  CHECK(a.publish_acknowledged("x") == "sent 1 as 1, all: Data 1-1, received 1");
}

TEST_CASE("messages of one turn share a frame and one question, and each is answered") {
  auto a = with_b();
  const auto publish = [](const char* topic, bool acknowledged) {
    return input::Publish{message_at(topic, std::nullopt), NoChange{}, acknowledged};
  };
  CHECK(a.turn({publish("1", true), publish("2", false), publish("3", true)}) == "all: Data 1-3");
  CHECK(a.wait(Duration(0)) == "link 1: ReceiptRequest 3");
  CHECK(answer(a, 1, b, 3) == "received 1, received 3");
}

TEST_CASE("the next question goes out when the last one is answered, for all that came meanwhile") {
  auto a = with_b();
  a.publish_acknowledged("1");
  a.wait(Duration(0));
  a.publish_acknowledged("2");
  a.publish_acknowledged("3");
  CHECK(a.wait(milliseconds(10)).empty());
  CHECK(answer(a, 1, b, 2) == "received 1, received 2");
  CHECK(a.wait(Duration(0)) == "link 1: ReceiptRequest 3");
  CHECK(answer(a, 1, b, 3) == "received 3");
  a.publish_acknowledged("4");
  CHECK(a.wait(microseconds(499)).empty());  // not more often than members allow
  CHECK(a.wait(microseconds(1)) == "link 1: ReceiptRequest 4");
}

TEST_CASE("a question is asked again until it is answered") {
  auto a = with_b();
  a.publish_acknowledged("x");
  a.wait(Duration(0));
  CHECK(a.wait(milliseconds(199)).empty());
  CHECK(a.wait(milliseconds(1)) == "link 1: ReceiptRequest 1");
  CHECK(a.wait(milliseconds(399)).empty());
  CHECK(a.wait(milliseconds(1)) == "link 1: ReceiptRequest 1");
  CHECK(answer(a, 1, b, 1) == "received 1");
}

TEST_CASE("an answer that does not reach the message, or that nobody has asked for, is none") {
  auto a = with_b();
  a.publish("1");
  a.publish_acknowledged("2");
  CHECK(answer(a, 1, b, 2).empty());
  a.wait(Duration(0));
  CHECK(answer(a, 1, b, 1).empty());
  CHECK(answer(a, 1, b, 2) == "received 2");
}

TEST_CASE("a member answers for itself alone") {
  auto a = with_b_and_c();
  a.publish_acknowledged("x");
  a.wait(Duration(0));
  answer(a, 2, c, 1);
  CHECK(answer(a, 2, b, 1).empty());
  CHECK(a.counters().unexpected == 1);
  CHECK(a.node().unacknowledged() == 1);
}

TEST_CASE("a member that claims what was not published has claimed nothing of the next message") {
  auto a = with_b();
  a.publish_acknowledged("1");
  a.publish_acknowledged("2");
  a.wait(Duration(0));
  CHECK(answer(a, 1, b, 1'000'000) == "received 1, received 2");
  CHECK(a.publish_acknowledged("3") == "all: Data 3-3");
  CHECK(a.wait(milliseconds(1)) == "link 1: ReceiptRequest 3");
}

TEST_CASE("a peer that falls silent is named, and waited for no longer") {
  auto a = with_b_and_c();
  a.publish_acknowledged("x");
  a.wait(Duration(0));
  answer(a, 2, c, 1);
  a.wait(milliseconds(1900));
  heartbeat(a, c);
  a.wait(milliseconds(200));
  const auto received = a.notices<Received>();
  REQUIRE(received.size() == 1);
  using Without = Received::Without;
  CHECK((received[0].without == std::vector<Without>{{b, "b", Without::Why::gone}}));
  heartbeat(a, b);
  CHECK(a.publish_acknowledged("y") == "all: Data 2-2");
  CHECK(a.wait(Duration(0)) == "link 1: ReceiptRequest 2, link 2: ReceiptRequest 2");
}

TEST_CASE("a peer that leaves is named for what it has not confirmed") {
  auto a = with_b();
  a.publish_acknowledged("1");
  a.publish_acknowledged("2");
  a.wait(Duration(0));
  CHECK(answer(a, 1, b, 1) == "received 1");
  CHECK(a.step(input::FromStream{b, mesh::Farewell{b, 0}}) ==
        "undial 1, unfollow b, b is gone: left, received 2 without b: gone");
}

TEST_CASE("a connection that breaks is no end: its peer is asked again") {
  auto a = with_b();
  a.publish_acknowledged("x");
  a.wait(Duration(0));
  CHECK(a.step(input::Reader{b.peer, false}).empty());
  CHECK(a.status().peers.at(0).state == PeerState::hello);
  CHECK(a.node().unacknowledged() == 1);
  CHECK(a.wait(milliseconds(200)) == "link 1: ReceiptRequest 1");
  CHECK(answer(a, 1, b, 1) == "received 1");
}

TEST_CASE("a peer that has missed the message for good is named") {
  auto a = with_b();
  a.publish_acknowledged("1");
  a.publish_acknowledged("2");
  a.publish_acknowledged("3");
  a.wait(Duration(0));
  CHECK(answer(a, 1, b, 3, 3) ==
        "received 1 without b: missed, received 2 without b: missed, received 3");
}

TEST_CASE("a peer that becomes ready later is not waited for") {
  auto a = with_b();
  a.publish_acknowledged("1");
  a.wait(Duration(0));
  a.befriend(c, "c");
  a.publish_acknowledged("2");
  CHECK(a.wait(Duration(0)) == "link 2: ReceiptRequest 2");
  CHECK(answer(a, 1, b, 2) == "received 1");
  CHECK(answer(a, 2, c, 2) == "received 2");
}

TEST_CASE("who leaves says of each message that waits who has not confirmed it") {
  auto a = with_b_and_c();
  a.publish_acknowledged("x");
  a.wait(Duration(0));
  answer(a, 1, b, 1);
  CHECK(a.step(input::Leave{}) == "received 1 without c: left, all: Farewell 1");
}

TEST_CASE("a message that comes back is answered by that alone") {
  auto a = with_b(gated());
  a.step(input::Publish{message_at("x", std::nullopt), AfterCommit{}, true});
  CHECK(a.node().unacknowledged() == 1);
  CHECK(a.node().unacknowledged_bytes() > message::footprint_overhead);
  CHECK(a.step(input::NoPrimary{}) == "unpublished x: no_primary");
  CHECK(a.node().unacknowledged() == 0);
}

// --- the receiver -------------------------------------------------------------------------------

TEST_CASE("a peer confirms at once what it has, over the connection that has asked") {
  auto a = with_b();
  a.data(b, 1, {message_at("x", std::nullopt), message_at("y", std::nullopt)});
  CHECK(ask(a, 1, "s") == "route s: Receipt 1-2");
  CHECK(ask(a, 2) == "route r: Receipt 1-2");
}

TEST_CASE("a peer confirms what it holds, though its database does not show it") {
  auto a = with_b(gated());
  a.data(b, 1, {message_at("x", at(1000))});
  CHECK(a.node().held_size() == 1);
  CHECK(ask(a, 1) == "route r: Receipt 1-1");
}

TEST_CASE("a peer confirms nothing behind a gap before that is closed") {
  auto a = with_b();
  a.data(b, 1, {message_at("1", std::nullopt)});
  CHECK(ask(a, 3).empty());
  CHECK(a.data(b, 3, {message_at("3", std::nullopt)}).empty());
  CHECK(a.data(b, 2, {message_at("2", std::nullopt)}) == "route r: Receipt 1-3");
  CHECK(a.data(b, 4, {message_at("4", std::nullopt)}).empty());
}

TEST_CASE("a peer does not confirm what it has refused for want of room") {
  auto options = gated();
  options.payload_bytes = 1000;
  options.held_bytes = message::largest_footprint(1000);
  auto a = with_b(options);
  const auto room = options.held_bytes / message::footprint(message_at("x", {}, 1000));
  std::vector<Message> flood(room + 1, message_at("x", at(1000), 1000));
  a.data(b, 1, flood);
  CHECK(a.counters().refused_full > 0);
  const auto next = a.status().peers.at(0).next_sequence;
  CHECK(ask(a, next).empty());
  CHECK(ask(a, next - 1) == "route r: Receipt 1-" + std::to_string(next - 1));
}

TEST_CASE("a peer that has missed messages for good confirms those behind them alone") {
  auto a = with_b();
  a.data(b, 1, {message_at("1", std::nullopt)});
  ask(a, 3);
  CHECK(a.step(input::FromStream{b, mesh::Heartbeat{b, 3, 3, std::nullopt}}) ==
        "undelivered 2-2 of b: expired");
  CHECK(a.data(b, 3, {message_at("3", std::nullopt)}) == "route r: Receipt 3-3");
}

TEST_CASE("a peer whose stream begins later confirms nothing before") {
  NodeHarness a(Options{});
  a.befriend(b, "b", 5);
  CHECK(ask(a, 3) == "route r: Receipt 5-4");
}

TEST_CASE("a publisher that is gone gets no receipt when it returns, before it asks again") {
  auto a = with_b();
  ask(a, 1);
  a.wait(seconds(7));
  CHECK(a.status().peers.at(0).state == PeerState::gone);
  a.befriend(b, "b");
  CHECK(a.data(b, 1, {message_at("1", std::nullopt)}).empty());
  CHECK(ask(a, 1) == "route r: Receipt 1-1");
}
