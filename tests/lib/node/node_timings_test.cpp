// How long messages wait in the gate, how late behind the replay they leave, and how long the
// server takes to say how far it is.
#include <numeric>

#include <doctest/doctest.h>

#include "lib/node/node.hpp"
#include "tests/lib/node/node_harness.hpp"

using namespace tidegate;
using namespace tidegate::node;
using namespace tidegate::testing;
using std::chrono::milliseconds;

namespace {

const Origin b = origin(2);

NodeHarness with_b() {
  NodeHarness a(gated());
  a.step(input::Subscribe{Pattern::all()});
  a.step(ServerUp{server_life});
  a.befriend(b, "b");
  return a;
}

Timings timings(NodeHarness& a) { return a.node().status(a.now()).timings; }

std::uint64_t count(const Histogram& one) {
  return std::accumulate(one.counts.begin(), one.counts.end(), std::uint64_t{0});
}

}  // namespace

TEST_CASE("the time in the gate, and that behind the last reading that did not show the change") {
  auto a = with_b();
  CHECK(a.data(b, 1, {message_at("a", at(200))}) == "poll");
  a.stop_for(milliseconds(2));
  a.step(input::ReplayPositionRead{replayed(199)});
  a.wait(milliseconds(100));  // asks again somewhere on the way
  const auto asked = timings(a);
  CHECK(count(asked.held) == 0);
  CHECK(count(asked.replay_read) == 1);
  CHECK(asked.replay_read.seconds == doctest::Approx(0.002));
  CHECK(a.step(input::ReplayPositionRead{replayed(200)}) == "deliver a of b");
  const auto told = timings(a);
  CHECK(count(told.held) == 1);
  CHECK(told.held.seconds == doctest::Approx(0.102));
  // The first reading was asked for when the message came, and did not show it.
  CHECK(count(told.release) == 1);
  CHECK(told.release.seconds == doctest::Approx(0.102));
  CHECK(count(told.replay_read) == 2);
}

TEST_CASE("a message that comes when its change is replayed is late by its own wait alone") {
  auto a = with_b();
  a.data(b, 1, {message_at("a", at(200))});
  a.step(input::ReplayPositionRead{replayed(199)});
  a.stop_for(std::chrono::hours(1));
  a.step(input::TimePassed{});
  a.data(b, 2, {message_at("b", at(200))});
  a.stop_for(milliseconds(3));
  CHECK(a.step(input::ReplayPositionRead{replayed(200)}) == "deliver a of b, deliver b of b");
  const auto told = timings(a);
  CHECK(count(told.release) == 2);
  CHECK(told.release.seconds == doctest::Approx(3600.003 + 0.003));
}

TEST_CASE("a message that need not wait counts in no timing") {
  auto a = with_b();
  a.data(b, 1, {message_at("a", at(200))});
  a.step(input::ReplayPositionRead{replayed(300)});
  a.data(b, 2, {message_at("b", at(250))});
  CHECK(a.counters().delivered == 2);
  CHECK(count(timings(a).held) == 1);
  CHECK(count(timings(a).release) == 1);
}

TEST_CASE("messages that the application does not take are late since they were replayed") {
  auto a = with_b();
  a.data(b, 1, {message_at("a", at(200))});
  a.step(input::Demand{false});
  a.step(input::ReplayPositionRead{replayed(200)});
  a.wait(std::chrono::seconds(5));
  a.step(input::Demand{true});
  CHECK(timings(a).release.seconds == doctest::Approx(5));
}
