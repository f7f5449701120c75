// An application that receives what it publishes itself.
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "lib/base/limits.hpp"
#include "lib/message/footprint.hpp"
#include "lib/node/node.hpp"
#include "tests/lib/node/node_harness.hpp"

using namespace tidegate;
using namespace tidegate::node;
using namespace tidegate::testing;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

NodeHarness with_own(OwnMessages own, Options options = gated()) {
  options.own_messages = own;
  NodeHarness a(options);
  a.step(input::Subscribe{Pattern::parse("builds/#").value()});
  if (options.database) a.step(ServerUp{server_life});
  return a;
}

input::Publish publication(std::string_view topic, const Dependency& dependency = NoChange{}) {
  return {message_at(topic, std::nullopt), dependency};
}

}  // namespace

TEST_CASE("an application does not receive its own messages unless it asks for them") {
  auto a = with_own(OwnMessages::none);
  CHECK(a.publish("builds/42") == "all: Data 1-1");
}

TEST_CASE("an own message comes at once although the server does not show its change yet") {
  auto a = with_own(OwnMessages::at_once);
  a.step(input::ReplayPositionRead{replayed(150)});
  CHECK(a.publish("builds/42", at(200)) == "deliver builds/42 of a, all: Data 1-1");
  const auto delivery = a.all<node::effect::Deliver>().at(0).delivery;
  CHECK((delivery.message == message_at("builds/42", at(200))));
  CHECK((delivery.origin == origin(1)));
  CHECK(delivery.sequence == 1);
  CHECK(!delivery.late);
  CHECK(a.counters().received == 0);
  CHECK(a.counters().delivered == 1);
}

TEST_CASE("an own message is held like those of others where that is wanted") {
  auto a = with_own(OwnMessages::gated);
  CHECK(a.publish("builds/42", at(200)) == "all: Data 1-1, poll");
  CHECK(a.step(input::ReplayPositionRead{replayed(150)}).empty());
  CHECK(a.status().held == 1);
  CHECK(a.wait(milliseconds(1)) == "poll");
  CHECK(a.step(input::ReplayPositionRead{replayed(200)}) == "deliver builds/42 of a");
  CHECK(a.status().held == 0);
}

TEST_CASE("own messages that nobody has subscribed to are not delivered") {
  auto a = with_own(OwnMessages::at_once);
  CHECK(a.publish("jobs/7") == "all: Data 1-1");
  CHECK(a.counters().unmatched == 1);
}

TEST_CASE("own messages of one turn share a frame although they are delivered") {
  auto a = with_own(OwnMessages::at_once);
  CHECK(a.turn({publication("builds/1"), publication("builds/2"), publication("builds/3")}) ==
        "deliver builds/1 of a, deliver builds/2 of a, deliver builds/3 of a, all: Data 1-3");
}

TEST_CASE("own messages wait for an application that takes none, and come in order") {
  auto a = with_own(OwnMessages::at_once);
  a.step(input::Demand{false});
  CHECK(a.publish("builds/1") == "all: Data 1-1");
  CHECK(a.publish("builds/2") == "all: Data 2-2");
  CHECK(a.step(input::Demand{true}) == "deliver builds/1 of a, deliver builds/2 of a");
}

TEST_CASE("own messages that are no longer retained are reported, not silently left out") {
  Options options;
  options.retain_for = seconds(1);
  auto a = with_own(OwnMessages::at_once, options);
  a.step(input::Demand{false});
  a.publish("builds/1");
  a.wait(seconds(2));
  const auto lost = a.notices<Undelivered>();
  REQUIRE(lost.size() == 1);
  CHECK((lost[0].origin == origin(1)));
  CHECK(lost[0].first == 1);
  CHECK(lost[0].last == 1);
  CHECK(lost[0].why == Undelivered::Why::expired);
  a.publish("builds/2");
  a.step(input::Demand{true});
  REQUIRE(a.all<node::effect::Deliver>().size() == 1);
  CHECK(a.all<node::effect::Deliver>()[0].delivery.sequence == 2);
}

TEST_CASE("own messages that the gate has no room for come once there is room") {
  auto options = gated();
  options.payload_bytes = 100;
  options.held_bytes = message::largest_footprint(100);
  auto a = with_own(OwnMessages::gated, options);
  const int count = 100;
  for (int i = 0; i < count; ++i) a.publish("builds/1", at(200), 100);
  CHECK(a.status().held < count);
  CHECK(a.status().held_bytes <= options.held_bytes);
  std::vector<std::uint64_t> delivered;
  for (int i = 0; i < count && delivered.size() < count; ++i) {
    a.step(input::ReplayPositionRead{replayed(200)});
    for (const auto& one : a.all<node::effect::Deliver>()) {
      delivered.push_back(one.delivery.sequence);
    }
    a.wait(milliseconds(0));
    for (const auto& one : a.all<node::effect::Deliver>()) {
      delivered.push_back(one.delivery.sequence);
    }
  }
  REQUIRE(delivered.size() == count);
  for (std::size_t i = 0; i < delivered.size(); ++i) CHECK(delivered[i] == i + 1);
}

TEST_CASE("an own message whose change a failover has undone is reported to its own application") {
  auto a = with_own(OwnMessages::gated);
  a.publish("builds/42", at(200));
  a.step(input::ReplayPositionRead{Tide{server_life, history("1 2@100 3@150"), 300}});
  const auto lost = a.notices<Undelivered>();
  REQUIRE(lost.size() == 1);
  CHECK(lost[0].why == Undelivered::Why::in_doubt);
  CHECK(a.all<node::effect::Deliver>().empty());
}

TEST_CASE("own messages beyond those that one step may release come in the next ones, each once") {
  auto a = with_own(OwnMessages::at_once);
  const std::size_t count = 3 * base::limits::releases_per_step / 2;
  a.step(input::Demand{false});
  a.turn(std::vector<node::Input>(count, publication("builds/1")));
  a.step(input::Demand{true});
  std::vector<std::uint64_t> delivered;
  for (int step = 0; step < 10; ++step) {
    for (const auto& one : a.all<node::effect::Deliver>()) {
      delivered.push_back(one.delivery.sequence);
    }
    a.wait(milliseconds(0));
  }
  REQUIRE(delivered.size() == count);
  for (std::size_t i = 0; i < count; ++i) CHECK(delivered[i] == i + 1);
}
