// A publisher that goes on with its stream in a later life, as its receiver sees it.
#include <doctest/doctest.h>

#include "lib/message/footprint.hpp"
#include "tests/lib/node/node_harness.hpp"

using namespace tidegate;
using namespace tidegate::mesh;
using namespace tidegate::node;
using namespace tidegate::testing;

namespace {

const Origin b = origin(2);
const Origin later{b.peer, b.incarnation + 1};

Message x() { return message_at("x", std::nullopt); }
std::vector<Message> some(std::size_t count) { return std::vector<Message>(count, x()); }

NodeHarness with_b(const Options& options) {
  NodeHarness a(options);
  a.step(input::Subscribe{Pattern::all()});
  if (options.database) a.step(ServerUp{server_life});
  a.befriend(b, "b");
  return a;
}

Options ungated() {
  Options options;
  options.database.reset();
  return options;
}

// A later life is met once the former one has been silent for a while.
void comes_back(NodeHarness& a, std::uint64_t next, std::uint64_t epoch = 0) {
  a.wait(std::chrono::seconds(3));
  a.befriend(later, "b", next, next, epoch);
}

}  // namespace

TEST_CASE("S3: a later life that goes on with a stream delivers nothing of it again") {
  auto a = with_b(ungated());
  a.data(b, 1, some(3));
  comes_back(a, 4, b.incarnation);
  CHECK(a.data(later, 2, some(2)).empty());
  CHECK(a.counters().duplicate == 2);
  CHECK(a.data(later, 4, some(1)) == "deliver x of b");
  const auto delivery = a.all<node::effect::Deliver>().at(0).delivery;
  CHECK((delivery.origin == b));
  CHECK(delivery.sequence == 4);
}

TEST_CASE("N1: what was lost with the former life is reported once, as expired") {
  auto a = with_b(ungated());
  a.data(b, 1, some(2));
  a.data(b, 4, some(1));  // 3 is missing
  comes_back(a, 8, b.incarnation);
  CHECK(a.step(input::FromStream{later, Heartbeat{later, 8, 7, std::nullopt}}) ==
        "undelivered 3-3 of b: expired, deliver x of b, undelivered 5-7 of b: expired");
  CHECK((a.notices<Undelivered>().at(0).origin == b));
  CHECK(a.step(input::FromStream{later, Heartbeat{later, 8, 7, std::nullopt}}).empty());
  CHECK(a.data(later, 8, some(1)) == "deliver x of b");
}

TEST_CASE("what is held of the former life is delivered in its place") {
  auto a = with_b(gated());
  a.data(b, 1, {message_at("held", at(300))});
  comes_back(a, 2, b.incarnation);
  a.data(later, 2, {message_at("behind", at(200))});
  CHECK(a.status().held == 2);
  CHECK(a.step(input::ReplayPositionRead{replayed(300)}) ==
        "deliver held of b, deliver behind of b");
  CHECK(a.status().held == 0);
}

TEST_CASE("B1: what has to wait behind held messages of its publisher counts against the bound") {
  auto options = gated();
  options.held_bytes = 4 * message::footprint(message_at("x", at(300)));
  auto a = with_b(options);
  a.step(input::ReplayPositionRead{replayed(250)});
  a.data(b, 1, {message_at("x", at(300))});
  comes_back(a, 2, b.incarnation);
  a.data(later, 2, std::vector<Message>(9, message_at("x", at(200))));  // visible, but behind it
  CHECK(a.status().held == 3);  // the share of one publisher
  CHECK(a.counters().refused_full == 7);
}

TEST_CASE("S3: a former life that left or was silent for long is gone on with, too") {
  auto a = with_b(ungated());
  a.data(b, 1, some(3));
  SUBCASE("left") { a.step(input::FromStream{b, Farewell{b, 3}}); }
  SUBCASE("silent") { a.wait(std::chrono::seconds(7)); }
  comes_back(a, 4, b.incarnation);
  CHECK(a.data(later, 3, some(1)).empty());
  CHECK(a.data(later, 4, some(1)) == "deliver x of b");
}

TEST_CASE("a later life with a stream of its own begins it") {
  auto a = with_b(ungated());
  a.data(b, 1, some(3));
  comes_back(a, 1);
  CHECK(a.data(later, 1, some(1)) == "deliver x of b");
  CHECK((a.all<node::effect::Deliver>().at(0).delivery.origin == later));
}

TEST_CASE(
    "a node that goes on with its stream continues the sequences, and retains nothing of it") {
  std::vector<base::Endpoint> seeds;
  Node node(ungated(), {later, "default", "b", 10, 20, b.incarnation}, seeds, 1, start, 7);
  CHECK(node.last_sequence() == 7);
  node::Effects effects;
  node.step(input::Publish{x(), {}}, start, effects);
  CHECK(node.last_sequence() == 8);
  CHECK(text(effects).find("all: Data 8-8") != std::string::npos);
  CHECK(node.status(start).retained_first == 8);
}
