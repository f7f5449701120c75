// Traces of messages: whole meshes of two and three nodes in virtual time, whose frames and servers
// the test moves by hand, with clocks that differ.
#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "lib/base/limits.hpp"
#include "lib/mesh/frame_codec.hpp"
#include "tests/lib/node/node_harness.hpp"

using namespace tidegate;
using namespace tidegate::testing;
using namespace tidegate::node;
using namespace std::chrono_literals;

namespace {

input::Trace trace(Ticket ticket, const char* pattern, Duration timeout = 10s) {
  return {ticket, Pattern::parse(pattern).value(), timeout};
}

gate::CommitPositionRead commit_position(std::uint64_t written, std::uint64_t flushed) {
  return {{primary_life, history("1 2@100"), Lsn{written}, Lsn{flushed}}};
}

mesh::TraceRequest request(std::uint64_t number, const char* pattern = "#",
                           const Origin& asker = origin(2)) {
  return {asker, number, Instant(1h), Pattern::parse(pattern).value(), std::nullopt};
}

// The report of another member in answer to a request that was sent at `asked`.
mesh::TraceReport report_of(const Origin& from, std::uint64_t number, Instant asked,
                            Instant clock) {
  return {from, number, asked, clock, false, std::nullopt, std::nullopt};
}

mesh::SendingSteps sent_as(std::uint64_t sequence, Instant published) {
  return {Traced::Fate::sent,
          sequence,
          published,
          published + 1ms,
          published + 4ms,
          published + 6ms,
          Topic::parse("builds/1").value()};
}

std::string text(const std::vector<TracedTime>& steps) {
  std::string line;
  for (const auto& [step, took] : steps) {
    line += (line.empty() ? "" : " ") + std::string(to_string(step)) + "=" +
            std::to_string(std::chrono::duration_cast<std::chrono::microseconds>(took).count());
  }
  return line;
}

Duration sum(const std::vector<TracedTime>& steps) {
  Duration whole{};
  for (const auto& step : steps) whole += step.took;
  return whole;
}

// The one report of the last step.
mesh::TraceReport report(const NodeHarness& node) {
  for (const auto& answer : node.all<effect::ToRoute>()) {
    if (const auto* found = std::get_if<mesh::TraceReport>(&answer.frame)) return *found;
  }
  FAIL("no report");
  return {};
}

// A node that is asked by its neighbour b, whose stream it gets.
struct Reported {
  Reported() {
    node.befriend(origin(2), "b");
    node.step(ServerUp{server_life, true, "", ""});
    node.step(PrimaryUp{primary_life, "", "", history("1 2@100")});
    node.step(input::ReplayPositionRead{replayed(500)});
    node.step(input::Subscribe{Pattern::all()});
  }

  std::string ask(std::uint64_t number, const char* pattern = "#") {
    return node.step(input::FromRoute{"r", "b", request(number, pattern)});
  }
  std::string name_message(std::uint64_t number, std::uint64_t sequence) {
    auto again = request(number);
    again.message = mesh::PublishedMessage{origin(2), sequence};
    return node.step(input::FromRoute{"r", "b", std::move(again)});
  }

  NodeHarness node;
};

}  // namespace

// --- the part of those that are asked -----------------------------------------------------------

TEST_CASE("the publisher tells when its message was published, asked for, answered and sent") {
  Reported a;
  CHECK(a.ask(7, "builds/#") == "route r: Report 7");
  CHECK(report(a.node).asked == Instant(1h));
  CHECK(report(a.node).clock == a.node.now());
  a.node.stop_for(20ms);
  CHECK(a.node.publish("other", AfterCommit{}) == "ask");
  a.node.stop_for(2ms);
  const auto published = a.node.now();
  CHECK(a.node.publish("builds/1", AfterCommit{}) == "");
  a.node.stop_for(3ms);
  // The question that was under way says nothing about it; the next one does.
  CHECK(a.node.step(commit_position(600, 600)) == "all: Data 1-1, ask");
  a.node.stop_for(4ms);
  CHECK(a.node.step(commit_position(700, 650)) == "");
  a.node.stop_for(1ms);
  CHECK(a.node.wait(0ms) == "ask");
  CHECK(a.node.step(commit_position(700, 700)) == "all: Data 2-2, route r: Report 7 sending sent");
  const auto sending = report(a.node).sending.value();
  CHECK(sending.sequence == 2);
  CHECK(to_string(sending.topic) == "builds/1");
  CHECK(sending.published == published);
  CHECK(sending.asked == published + 3ms);
  CHECK(sending.answered == published + 7ms);
  CHECK(sending.left == published + 8ms);
  // The first one alone.
  CHECK(a.node.publish("builds/2") == "all: Data 3-3");
}

TEST_CASE("a message without a change is not held up by questions that others wait for") {
  Reported a;
  a.ask(7);
  a.node.stop_for(1s);
  CHECK(a.node.publish("builds/1", NoChange{true}) ==
        "all: Data 1-1, route r: Report 7 sending sent");
  CHECK(report(a.node).sending->asked == Instant{});
}

TEST_CASE("a message that comes back to its publisher is reported as such") {
  Reported a;
  a.ask(7);
  a.node.publish("builds/1", AfterCommit{});
  a.node.step(PrimaryDown{"crash"});
  a.node.step(PrimaryUp{{home, 3}, "", "", history("1 2@100")});
  a.node.stop_for(5ms);
  auto reading = commit_position(700, 700);
  reading.reading.incarnation.started = 3;
  CHECK(a.node.step(reading) ==
        "unpublished builds/1: primary_lost, route r: Report 7 sending primary_lost");
}

TEST_CASE("a receiver tells when a message came, was held, which reading showed it, and it left") {
  Reported a;
  a.ask(7);
  a.node.stop_for(20ms);
  const auto arrived = a.node.now();
  CHECK(a.node.data(origin(2), 1, {message_at("builds/1", at(600))}) == "poll");
  a.node.stop_for(1ms);
  CHECK(a.name_message(7, 1) == "route r: Report 7 receiving under_way");
  CHECK(a.node.step(input::ReplayPositionRead{replayed(500)}) == "poll");
  a.node.stop_for(100ms);
  const auto asked = arrived + 1ms + 100ms;
  CHECK(a.node.step(input::ReplayPositionRead{replayed(599)}) == "poll");
  a.node.stop_for(2ms);
  CHECK(a.node.step(input::ReplayPositionRead{replayed(600)}) ==
        "deliver builds/1 of b, route r: Report 7 receiving delivered");
  const auto receiving = report(a.node).receiving.value();
  CHECK(receiving.arrived == arrived);
  CHECK(receiving.taken == arrived);
  CHECK(receiving.asked == asked);
  CHECK(receiving.shown == asked + 2ms);
  CHECK(receiving.left == asked + 2ms);
}

TEST_CASE("a message that had left when its receiver was told of it is reported all the same") {
  Reported a;
  a.ask(7);
  a.node.stop_for(20ms);
  const auto arrived = a.node.now();
  a.node.data(origin(2), 1, {message_at("builds/1", at(400))});
  a.node.data(origin(2), 2, {message_at("builds/2", at(400))});
  a.node.stop_for(20ms);
  CHECK(a.name_message(7, 1) == "route r: Report 7 receiving delivered");
  CHECK(report(a.node).receiving->left == arrived);
}

TEST_CASE("a message that came before the trace, or long ago among many, was not seen") {
  Reported a;
  a.node.data(origin(2), 1, {message_at("builds/1", at(400))});
  a.ask(7);
  a.node.stop_for(20ms);
  CHECK(a.name_message(7, 1) == "route r: Report 7 receiving unseen");
  a.ask(8);
  const auto many = base::limits::traced_arrivals + 1;
  for (std::uint64_t i = 0; i < many; ++i) {
    a.node.data(origin(2), 2 + i, {message_at("builds/1", at(400))});
  }
  a.node.stop_for(20ms);
  CHECK(a.name_message(8, 2) == "route r: Report 8 receiving unseen");
  a.ask(9);
  for (std::uint64_t i = 0; i < many; ++i) {
    a.node.data(origin(2), 2 + many + i, {message_at("builds/1", at(400))});
  }
  a.node.stop_for(20ms);
  CHECK(a.name_message(9, 2 + many + 1) == "route r: Report 9 receiving delivered");
}

TEST_CASE("a receiver tells of a gap, and of an application that takes nothing") {
  Reported a;
  a.ask(7);
  a.node.step(input::Demand{false});
  a.node.stop_for(20ms);
  const auto arrived = a.node.now();
  a.node.data(origin(2), 2, {message_at("builds/2", at(400))});
  a.node.stop_for(3ms);
  a.node.data(origin(2), 1, {message_at("builds/1", at(400))});
  a.node.stop_for(10ms);
  CHECK(a.name_message(7, 2) == "route r: Report 7 receiving under_way");
  a.node.stop_for(1s);
  CHECK(a.node.step(input::Demand{true}) ==
        "deliver builds/1 of b, deliver builds/2 of b, route r: Report 7 receiving delivered");
  const auto receiving = report(a.node).receiving.value();
  CHECK(receiving.taken == arrived + 3ms);
  CHECK(receiving.shown == arrived + 3ms);
  CHECK(receiving.left == arrived + 1013ms);
}

TEST_CASE("a receiver tells that nobody wants a message, or that it is lost") {
  Reported a;
  a.node.step(input::Unsubscribe{Pattern::all()});
  a.ask(7);
  a.node.data(origin(2), 1, {message_at("builds/1", at(400))});
  a.node.stop_for(20ms);
  CHECK(a.name_message(7, 1) == "route r: Report 7 receiving unwanted");
  a.ask(8);
  a.node.stop_for(20ms);
  CHECK(a.name_message(8, 5) == "route r: Report 8");
  CHECK(a.node.step(input::FromStream{origin(2), mesh::Heartbeat{origin(2), 7, 6, {}}})
            .ends_with("route r: Report 8 receiving expired"));
  a.ask(9);
  a.node.data(origin(2), 7, {message_at("builds/1", place(1, 200))});
  a.node.stop_for(20ms);
  CHECK(a.name_message(9, 7) == "route r: Report 9 receiving in_doubt");
}

TEST_CASE("a peer of whose own messages its application is given some reports them, too") {
  auto options = gated();
  options.own_messages = OwnMessages::at_once;
  NodeHarness node(options);
  node.befriend(origin(2), "b");
  node.step(input::Subscribe{Pattern::all()});
  node.step(input::FromRoute{"r", "b", request(7)});
  node.publish("builds/1");
  node.stop_for(20ms);
  auto again = request(7);
  again.message = mesh::PublishedMessage{origin(1), 1};
  CHECK(node.step(input::FromRoute{"r", "b", std::move(again)}) ==
        "route r: Report 7 sending sent receiving delivered");
}

TEST_CASE("a trace ends by itself some seconds after it was last asked for") {
  Reported a;
  a.ask(7);
  a.node.wait(4900ms);
  a.ask(7);
  a.node.wait(4900ms);
  CHECK(a.node.publish("builds/1") == "all: Data 1-1, route r: Report 7 sending sent");
  a.ask(8);
  a.node.wait(5100ms);
  CHECK(a.node.publish("builds/1") == "all: Data 2-2");
}

TEST_CASE("a peer takes part in few traces, in fewer of one member, and says so") {
  Reported a;
  for (std::uint64_t i = 1; i <= base::limits::traces_of_asker; ++i) {
    CHECK(a.ask(i) == "route r: Report " + std::to_string(i));
  }
  CHECK(a.ask(99) == "route r: Report 99 refused");
  CHECK(a.node.wait(4s).find("Report") == std::string::npos);
  CHECK(a.ask(2) == "route r: Report 2");
  a.node.wait(2s);
  CHECK(a.ask(99) == "route r: Report 99");  // the others are over
  std::size_t taken = 2;
  for (std::uint8_t i = 3; taken < base::limits::traces; ++i) {
    a.node.befriend(origin(i), std::string(1, static_cast<char>('a' + i - 1)));
    for (std::uint64_t n = 1; n <= base::limits::traces_of_asker; ++n) {
      const auto answer = a.node.step(input::FromRoute{"r", "c", request(n, "#", origin(i))});
      CHECK(answer.find("refused") ==
            (taken < base::limits::traces ? std::string::npos : answer.size() - 7));
      taken = std::min(taken + 1, base::limits::traces);
    }
  }
}

TEST_CASE("a member that asks without end is answered a hundred times a second at the most") {
  Reported a;
  std::size_t answers = 0;
  for (int i = 0; i < 1000; ++i) {
    if (!a.ask(7).empty()) ++answers;
    a.node.stop_for(1ms);
  }
  CHECK(answers == 100);
}

TEST_CASE("nobody but a member may ask for a trace") {
  Reported a;
  CHECK(a.node.step(input::FromRoute{"r", "x", request(1, "#", origin(8))}) == "");
  CHECK(a.node.publish("builds/1") == "all: Data 1-1");
}

// --- the part of the one that asks --------------------------------------------------------------

TEST_CASE("a trace asks all members, and tells of the message when each has delivered it") {
  NodeHarness node;
  node.befriend(origin(2), "b");
  node.befriend(origin(3), "c");
  CHECK(node.step(trace(9, "builds/#")) == "link 1: Trace 9, link 2: Trace 9");
  const auto asked = node.now();
  node.stop_for(2ms);
  // The clock of b is an hour ahead, and that of c the same as ours.
  const auto b = asked + 1h;
  CHECK(node.step(input::FromLink{1, report_of(origin(2), 9, asked, b + 1ms)}) == "");
  CHECK(node.step(input::FromLink{2, report_of(origin(3), 9, asked, asked + 1500us)}) == "");
  node.stop_for(40ms);
  auto sent = report_of(origin(2), 9, {}, b + 40ms);
  sent.sending = sent_as(5, b + 30ms);
  CHECK(node.step(input::FromLink{1, sent}) == "link 1: Trace 9 of 5, link 2: Trace 9 of 5");
  node.stop_for(500ms);
  auto received = report_of(origin(3), 9, {}, node.now());
  received.receiving = mesh::ReceivingSteps{TracedFate::delivered, asked + 37ms,  asked + 38ms,
                                            asked + 500ms,         asked + 510ms, asked + 512ms};
  CHECK(node.step(input::FromLink{2, received}) == "");  // this peer itself has not got it
  CHECK(node.data(origin(2), 1, {}).empty());
  const auto got = node.wait(9500ms);
  CHECK(got.find("traced 9 sent; a under_way; c delivered") != std::string::npos);
}

TEST_CASE("the steps of a receiver add up to its whole, whatever the clocks say") {
  NodeHarness node{Options{}};
  node.step(input::Subscribe{Pattern::all()});
  node.befriend(origin(2), "b");
  node.befriend(origin(3), "c");
  node.step(trace(9, "builds/#"));
  const auto asked = node.now();
  node.stop_for(2ms);
  const auto b = asked + 1h;
  const auto c = asked - 1h;
  node.step(input::FromLink{1, report_of(origin(2), 9, asked, b + 1ms)});
  node.step(input::FromLink{2, report_of(origin(3), 9, asked, c + 1ms)});
  node.stop_for(34ms);  // 36 ms
  node.data(origin(2), 1, {message_at("builds/1", std::nullopt)});
  node.stop_for(4ms);  // 40 ms
  auto sent = report_of(origin(2), 9, {}, b + 40ms);
  sent.sending = sent_as(1, b + 30ms);  // sent at 36 ms
  node.step(input::FromLink{1, sent});
  auto received = report_of(origin(3), 9, {}, c + 600ms);
  received.receiving = mesh::ReceivingSteps{
      TracedFate::delivered, c + 37ms, c + 37ms, c + 500ms, c + 510ms, c + 512ms};
  CHECK(node.step(input::FromLink{2, received}) == "traced 9 sent; a delivered; c delivered");
  const auto traced = node.notices<Traced>().at(0);
  CHECK(traced.ticket == 9);
  CHECK(traced.name == "b");
  CHECK(traced.sequence == 1);
  CHECK(text(traced.steps) == "publish=1000 position=3000 send=2000");
  CHECK(text(traced.receivers[0].steps) ==
        "publish=1000 position=3000 send=2000 arrival=0 gap=0 held=0 poll=0 delivery=0");
  CHECK(text(traced.receivers[1].steps) ==
        "publish=1000 position=3000 send=2000 arrival=1000 gap=0 held=463000 poll=10000 "
        "delivery=2000");
  CHECK(sum(traced.receivers[1].steps) == 482ms);
  CHECK(traced.receivers[0].clock_error == 1ms);
  CHECK(traced.receivers[1].clock_error == 2ms);
}

TEST_CASE("a message that seems to have come before it was sent has come at once") {
  NodeHarness node{Options{}};
  node.befriend(origin(2), "b");
  node.step(input::Subscribe{Pattern::all()});
  node.step(trace(9, "builds/#"));
  const auto asked = node.now();
  node.stop_for(2ms);
  node.step(input::FromLink{1, report_of(origin(2), 9, asked, asked + 1h + 2ms)});
  node.data(origin(2), 1, {message_at("builds/1", std::nullopt)});
  node.stop_for(1ms);
  auto sent = report_of(origin(2), 9, {}, asked + 1h + 3ms);
  sent.sending = sent_as(1, asked + 1h - 2ms);
  node.step(input::FromLink{1, sent});
  const auto traced = node.notices<Traced>().at(0);
  CHECK(sum(traced.receivers.at(0).steps) == 6ms);
}

TEST_CASE("clocks that can't be true make no times that are negative") {
  const Instant longest = Instant(Duration(std::int64_t{1} << 60));
  for (const auto clock : {Instant{}, longest}) {
    for (const auto step : {Instant(Duration(1)), longest}) {
      NodeHarness node{Options{}};
      node.befriend(origin(2), "b");
      node.befriend(origin(3), "c");
      node.step(trace(9, "builds/#"));
      const auto asked = node.now();
      auto sent = report_of(origin(2), 9, asked, clock);
      sent.sending = mesh::SendingSteps{
          Traced::Fate::sent, 1, step, longest, step, longest, Topic::parse("builds/1").value()};
      node.step(input::FromLink{1, sent});
      auto received = report_of(origin(3), 9, asked, clock == longest ? Instant{} : longest);
      received.receiving =
          mesh::ReceivingSteps{TracedFate::delivered, step, longest, step, longest, step};
      node.step(input::FromLink{2, received});
      node.wait(10s);
      const auto traced = node.notices<Traced>().at(0);
      for (const auto& one : traced.receivers.at(1).steps) CHECK(one.took >= 0s);
    }
  }
}

TEST_CASE("a trace on whose topics nothing is published says so when its time is over") {
  NodeHarness node;
  node.befriend(origin(2), "b");
  node.step(trace(9, "builds/#", 1500ms));
  CHECK(node.publish("other") == "all: Data 1-1");
  CHECK(node.wait(1400ms) == "link 1: Trace 9");
  CHECK(node.wait(100ms) == "traced 9 none");
  CHECK(node.wait(10s).find("Trace") == std::string::npos);
}

TEST_CASE("a trace of this peer's own message is over when the others have it") {
  NodeHarness node{Options{}};
  node.befriend(origin(2), "b");
  node.step(trace(9, "builds/#"));
  const auto asked = node.now();
  node.step(input::FromLink{1, report_of(origin(2), 9, asked, asked)});
  CHECK(node.publish("builds/1") == "all: Data 1-1, link 1: Trace 9 of 1");
  auto received = report_of(origin(2), 9, {}, asked);
  received.receiving =
      mesh::ReceivingSteps{TracedFate::delivered, asked, asked, asked, asked, asked};
  CHECK(node.step(input::FromLink{1, received}) == "traced 9 sent; b delivered");
  CHECK(node.notices<Traced>().at(0).receivers.at(0).clock_error == 0s);
}

TEST_CASE("a message that waits for its position when the time is over says where it stands") {
  Reported a;
  a.node.step(trace(9, "builds/#", 3s));
  a.node.publish("builds/1", AfterCommit{});
  CHECK(a.node.wait(3s).ends_with("traced 9 under_way"));
  const auto traced = a.node.notices<Traced>().at(0);
  CHECK(text(traced.steps) == "publish=0 position=3000000");
  CHECK(traced.receivers.empty());
}

TEST_CASE("a member that does not know traces is not asked, and one that is silent is named") {
  NodeHarness node{Options{}};
  mesh::PeerInfo old{origin(2), "default", "b", 10, 20};
  old.traces = false;
  node.befriend(old);
  node.befriend(origin(3), "c");
  CHECK(node.step(trace(9, "builds/#")) == "link 2: Trace 9");
  CHECK(node.publish("builds/1") == "all: Data 1-1, link 2: Trace 9 of 1");
  const auto told = node.wait(3s);
  CHECK(told.find("link 1: Trace") == std::string::npos);
  CHECK(told.ends_with("traced 9 sent; b unanswered; c unanswered"));
}

TEST_CASE("a member that comes while a trace waits is asked, too") {
  NodeHarness node;
  node.step(trace(9, "builds/#"));
  node.befriend(origin(2), "b");
  CHECK(node.wait(1s).find("link 1: Trace 9") != std::string::npos);
}

TEST_CASE("a peer that leaves tells of its traces what it knows") {
  NodeHarness node;
  node.step(trace(9, "builds/#"));
  CHECK(node.step(input::Leave{}) == "traced 9 none, all: Farewell 0");
  CHECK(node.node().deadline() == never);
}

TEST_CASE("reports that nobody has asked for change nothing") {
  NodeHarness node;
  node.befriend(origin(2), "b");
  node.step(trace(9, "builds/#"));
  const auto asked = node.now();
  CHECK(node.step(input::FromLink{1, report_of(origin(2), 8, asked, asked)}) == "");
  CHECK(node.step(input::FromLink{1, report_of(origin(3), 9, asked, asked)}) == "");
  // Of a question that will be sent in an hour.
  CHECK(node.step(input::FromLink{1, report_of(origin(2), 9, asked + 1h, asked)}) == "");
  CHECK(node.counters().unexpected == 1);
}
