// Streams that begin where a former life of the application has ended.
#include <doctest/doctest.h>

#include "tests/lib/node/node_harness.hpp"

using namespace tidegate;
using namespace tidegate::node;
using namespace tidegate::testing;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

const auto b = origin(2);

using Cursors = std::vector<Cursor>;

// b ends at `next`, and retains everything from `first` on.
NodeHarness resuming(const Cursor& cursor, std::uint64_t next, std::uint64_t first,
                     const Origin& peer = b, std::uint64_t epoch = 0) {
  Options options;
  options.resume = {cursor};
  NodeHarness a(options);
  a.step(input::Subscribe{Pattern::all()});
  a.befriend(peer, "b", next, first, epoch);
  return a;
}

std::string resent(NodeHarness& a, std::uint64_t first, std::size_t count) {
  std::vector<Message> messages(count, message_at("x", std::nullopt));
  return a.step(input::FromLink{1, mesh::Data{b, first, std::move(messages)}});
}

}  // namespace

TEST_CASE("a resumed stream begins behind what was taken before, and asks for the rest") {
  auto a = resuming({b, 4}, 6, 1);
  CHECK(a.wait(milliseconds(10)) == "link 1: Request 4-5");
  CHECK(resent(a, 4, 2) == "deliver x of b, deliver x of b");
  CHECK(a.all<node::effect::Deliver>().at(0).delivery.sequence == 4);
  CHECK(a.data(b, 6, {message_at("x", std::nullopt)}) == "deliver x of b");
}

TEST_CASE("of a resumed stream the range that is retained no longer is reported, and no more") {
  auto a = resuming({b, 4}, 9, 7);
  CHECK(a.wait(milliseconds(10)) == "link 1: Request 4-8");
  resent(a, 7, 2);
  CHECK(a.step(input::FromLink{1, mesh::Retained{b, 7}}) ==
        "undelivered 4-6 of b: expired, deliver x of b, deliver x of b");
}

TEST_CASE("a resumed stream of which nothing is new begins with the next message") {
  auto a = resuming({b, 6}, 6, 1);
  CHECK(a.wait(seconds(1)).empty());
  CHECK(a.data(b, 6, {message_at("x", std::nullopt)}) == "deliver x of b");
}

TEST_CASE("a stream that is not resumed begins as the options say") {
  auto a = resuming({origin(3), 4}, 6, 1);
  CHECK(a.status().peers.at(0).next_sequence == 6);
}

TEST_CASE("a publisher that goes on with its stream in a later life is resumed in it") {
  auto later = b;
  later.incarnation = 5;
  auto a = resuming({b, 4}, 6, 6, later, b.incarnation);
  CHECK(a.step(input::FromStream{later, mesh::Heartbeat{later, 6, 5, std::nullopt}}) ==
        "undelivered 4-5 of b: expired");
}

TEST_CASE("a publisher that has begun another stream is told of, since what it had sent is gone") {
  auto later = b;
  later.incarnation = 5;
  Options options;
  options.resume = {{b, 4}};
  NodeHarness a(options);
  a.step(input::Heard{{"default", later, 10, 20, false, false, 1}, "b"});
  a.step(input::FromLink{1, mesh::Welcome{{later, "default", "b", 10, 20}}});
  a.step(input::FromRoute{"r", "b", mesh::Ready{later, origin(1), 1, 3}});
  REQUIRE(a.notices<NotResumed>().size() == 1);
  CHECK(a.notices<NotResumed>()[0].origin == b);
  CHECK(a.notices<NotResumed>()[0].next == 4);
  CHECK(a.notices<NotResumed>()[0].why == NotResumed::Why::ended);
  CHECK(a.status().peers.at(0).next_sequence == 3);
}

TEST_CASE("a place behind the end of a stream is told of") {
  Options options;
  options.resume = {{b, 9}};
  NodeHarness a(options);
  a.step(input::Heard{{"default", b, 10, 20, false, false, 1}, "b"});
  a.step(input::FromLink{1, mesh::Welcome{{b, "default", "b", 10, 20}}});
  a.step(input::FromRoute{"r", "b", mesh::Ready{b, origin(1), 1, 6}});
  REQUIRE(a.notices<NotResumed>().size() == 1);
  CHECK(a.notices<NotResumed>()[0].why == NotResumed::Why::behind);
  CHECK(a.status().peers.at(0).next_sequence == 6);
}

TEST_CASE("a delivery tells whether it was published before its publisher was met") {
  auto a = resuming({b, 4}, 6, 1);
  a.wait(milliseconds(10));
  resent(a, 4, 2);
  for (const auto& old : a.all<node::effect::Deliver>()) CHECK(old.delivery.earlier);
  a.data(b, 6, {message_at("x", std::nullopt)});
  CHECK(!a.all<node::effect::Deliver>().at(0).delivery.earlier);
}

TEST_CASE("the place to resume a stream lies behind all that was delivered, matched or not") {
  auto a = resuming({b, 4}, 6, 1);
  CHECK(a.cursors() == Cursors{{b, 4}});
  a.wait(milliseconds(10));
  resent(a, 4, 2);
  CHECK(a.cursors() == Cursors{{b, 6}});
  a.step(input::Unsubscribe{Pattern::all()});
  CHECK(a.data(b, 6, {message_at("x", std::nullopt)}).empty());
  CHECK(a.cursors() == Cursors{{b, 7}});
}

TEST_CASE("the place to resume a stream does not pass a message that is held") {
  NodeHarness a;
  a.step(input::Subscribe{Pattern::all()});
  a.befriend(b, "b");
  a.step(ServerUp{server_life});
  a.step(input::ReplayPositionRead{replayed(150)});
  a.data(b, 1, {message_at("x", at(120)), message_at("x", at(200)), message_at("x", at(300))});
  CHECK(a.cursors() == Cursors{{b, 2}});
  a.wait(milliseconds(10));
  a.step(input::ReplayPositionRead{replayed(250)});
  CHECK(a.cursors() == Cursors{{b, 3}});
  // A loss behind it is told of at once.
  a.step(input::FromStream{b, mesh::Heartbeat{b, 6, 5, std::nullopt}});
  CHECK(a.notices<Undelivered>().size() == 1);
  CHECK(a.cursors() == Cursors{{b, 3}});
  a.wait(milliseconds(10));
  a.step(input::ReplayPositionRead{replayed(300)});
  CHECK(a.cursors() == Cursors{{b, 6}});
}

TEST_CASE("a stream that has begun is not resumed a second time") {
  auto a = resuming({b, 4}, 6, 1);
  a.wait(milliseconds(10));
  resent(a, 4, 2);
  a.wait(seconds(7));
  CHECK(a.status().peers.at(0).state == PeerState::gone);
  a.befriend(b, "b", 6, 1);
  CHECK(a.status().peers.at(0).next_sequence == 6);
  CHECK(a.wait(milliseconds(400)).empty());
}
