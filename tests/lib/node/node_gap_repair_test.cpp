// How a node fetches what it has missed, and gives others what they have.
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

Options ungated() { return {}; }

NodeHarness alone(const Options& options = ungated()) {
  NodeHarness a(options);
  a.step(input::Subscribe{Pattern::all()});
  return a;
}

NodeHarness with_b(const Options& options = ungated()) {
  auto a = alone(options);
  a.befriend(b, "b");
  return a;
}

Message x() { return message_at("x", std::nullopt); }

std::string answer(NodeHarness& a, std::uint64_t first, std::uint64_t count) {
  return a.step(input::FromLink{1, Data{b, first, std::vector<Message>(count, x())}});
}

}  // namespace

// --- the side that has missed something ---------------------------------------------------------

TEST_CASE("a gap is asked for after a moment, and the messages behind it follow the answer") {
  auto a = with_b();
  CHECK(a.data(b, 3, {x()}).empty());
  CHECK(a.wait(milliseconds(5) - Duration(1)).empty());
  CHECK(a.wait(milliseconds(5)) == "link 1: Request 1-2");
  CHECK(answer(a, 1, 2) == "deliver x of b, deliver x of b, deliver x of b");
  CHECK(a.step(input::FromLink{1, Retained{b, 1}}).empty());
  CHECK(a.wait(milliseconds(300)).empty());
  CHECK(a.counters().requests == 1);
  CHECK(a.counters().recovered == 2);
  CHECK(a.counters().missing == 0);
}

TEST_CASE("a heartbeat that is ahead reveals a lost tail, which is asked for") {
  auto a = with_b();
  CHECK(a.step(input::FromStream{b, Heartbeat{b, 1, 4, std::nullopt}}).empty());
  CHECK(a.wait(milliseconds(10)) == "link 1: Request 1-4");
}

TEST_CASE("the answer is asked for piece by piece, without a pause") {
  auto a = with_b();
  a.step(input::FromStream{b, Heartbeat{b, 1, 9, std::nullopt}});
  a.wait(milliseconds(10));
  answer(a, 1, 4);
  CHECK(a.step(input::FromLink{1, Retained{b, 1}}) == "link 1: Request 5-9");
  answer(a, 5, 5);
  CHECK(a.step(input::FromLink{1, Retained{b, 1}}).empty());
}

TEST_CASE("an answer that brings nothing is not followed by the next question at once") {
  auto a = with_b();
  a.step(input::FromStream{b, Heartbeat{b, 1, 9, std::nullopt}});
  a.wait(milliseconds(10));
  CHECK(a.step(input::FromLink{1, Retained{b, 1}}).empty());
  CHECK(a.wait(milliseconds(150)).empty());
  CHECK(a.wait(milliseconds(150)) == "link 1: Request 1-9");
}

TEST_CASE(
    "messages that the publisher no longer retains are reported with their range, and the rest "
    "goes on") {
  auto a = with_b();
  a.data(b, 7, {x()});
  a.wait(milliseconds(10));
  CHECK(a.step(input::FromLink{1, Retained{b, 5}}) ==
        "undelivered 1-4 of b: expired, link 1: Request 5-6");
  CHECK(a.step(input::FromStream{b, Heartbeat{b, 7, 7, std::nullopt}}) ==
        "undelivered 5-6 of b: expired, deliver x of b");
  CHECK(a.counters().expired == 6);
}

TEST_CASE("a silent publisher is not asked for messages until it is heard again") {
  auto options = ungated();
  options.gone_after = seconds(60);
  auto a = with_b(options);
  a.wait(milliseconds(1900));
  a.step(input::FromStream{b, Heartbeat{b, 1, 2, std::nullopt}});
  CHECK(a.wait(milliseconds(10)) == "link 1: Request 1-2");
  a.wait(seconds(3));
  const auto asked = a.counters().requests;
  a.wait(seconds(20));
  CHECK(a.counters().requests == asked);
  a.step(input::FromStream{b, Heartbeat{b, 1, 2, std::nullopt}});
  CHECK(a.wait(seconds(2)).find("link 1: Request 1-2") != std::string::npos);
}

TEST_CASE("an answer from a link that leads elsewhere counts for nothing") {
  auto a = with_b();
  a.befriend(c, "c");
  a.data(b, 2, {x()});
  CHECK(a.step(input::FromLink{2, Data{b, 1, {x()}}}).empty());
  CHECK(a.step(input::FromLink{2, Retained{b, 2}}).empty());
  CHECK(a.step(input::FromLink{9, Data{b, 1, {x()}}}).empty());
  CHECK(a.counters().unexpected == 3);
  CHECK(answer(a, 1, 1) == "deliver x of b, deliver x of b");
}

TEST_CASE("a peer that joins from the latest message gets nothing of the past") {
  auto a = alone();
  a.befriend(b, "b", 8, 3);
  CHECK(a.wait(milliseconds(20)).empty());
  CHECK(a.data(b, 8, {x()}) == "deliver x of b");
}

TEST_CASE(
    "a peer that joins from the earliest message asks for it, and gets it before later ones") {
  auto options = ungated();
  options.from = From::earliest;
  auto a = alone(options);
  a.befriend(b, "b", 8, 3);
  CHECK(a.data(b, 8, {x()}).empty());
  CHECK(a.wait(milliseconds(10)) == "link 1: Request 3-7");
  CHECK(answer(a, 3, 5).size() == std::string("deliver x of b").size() * 6 + std::size_t{10});
}

TEST_CASE("a repeated Ready of a peer whose past was asked for does not start it anew") {
  auto options = ungated();
  options.from = From::earliest;
  auto a = alone(options);
  a.befriend(b, "b", 2, 2);
  CHECK(a.data(b, 2, {x()}) == "deliver x of b");
  CHECK(a.step(input::FromRoute{"r", "b", Ready{b, origin(1), 1, 5}}) == "link 1: Listening");
  CHECK(a.data(b, 3, {x()}) == "deliver x of b");
}

// --- the side that has published it -------------------------------------------------------------

TEST_CASE("a request is answered by the messages and then by the range that is retained") {
  auto a = with_b();
  for (int i = 0; i < 9; ++i) a.publish("x");
  CHECK(a.step(input::FromRoute{"r", "b", RetransmitRequest{b, 3, 6}}) ==
        "route r: Data 3-6, route r: Kept 1");
  CHECK(a.step(input::FromRoute{"r", "b", RetransmitRequest{b, 8, 99}}) ==
        "route r: Data 8-9, route r: Kept 1");
  CHECK(a.counters().answers == 2);
  CHECK(a.counters().resent == 6);
}

TEST_CASE("a message that is sent again has its sequence and its position") {
  auto options = ungated();
  auto a = with_b(options);
  a.publish("first", at(300));
  a.publish("second");
  const auto sent = a.sent();
  a.step(input::FromRoute{"r", "b", RetransmitRequest{b, 2, 2}});
  const auto again = a.all<node::effect::ToRoute>();
  REQUIRE(again.size() == 2);
  CHECK(std::get<Data>(again.at(0).frame).messages == sent);
  CHECK(sent.at(0).inherited == at(300));
}

TEST_CASE("a request for messages that are no longer retained is answered so") {
  auto options = ungated();
  options.payload_bytes = 1000;
  options.retain_bytes = footprint_of(1000, limits::topic_bytes);
  auto a = with_b(options);
  for (int i = 0; i < 9; ++i) a.publish("x", NoChange{}, 1000);
  CHECK(a.status().retain_bytes <= options.retain_bytes);
  const auto first = a.status().retained_first;
  REQUIRE(first > 2);
  CHECK(a.step(input::FromRoute{"r", "b", RetransmitRequest{b, 1, 2}}) ==
        "route r: Kept " + std::to_string(first));
}

TEST_CASE(
    "messages that are too old are retained no longer, also by a peer that publishes nothing "
    "more") {
  auto options = ungated();
  options.retain_for = seconds(10);
  auto a = with_b(options);
  a.publish("x");
  a.wait(seconds(11));
  CHECK(a.status().retained == 0);
  CHECK(a.status().retained_first == 2);
}

TEST_CASE("one answer is bounded, in frames that are bounded") {
  auto a = with_b();
  for (int i = 0; i < 2000; ++i) a.publish("x", NoChange{}, 1000);
  a.step(input::FromRoute{"r", "b", RetransmitRequest{b, 1, 2000}});
  std::size_t bytes = 0;
  std::uint64_t next = 1;
  for (const auto& effect : a.all<node::effect::ToRoute>()) {
    const auto* data = std::get_if<Data>(&effect.frame);
    if (data == nullptr) continue;
    CHECK(data->first == next);
    next += data->messages.size();
    std::size_t frame = 0;
    for (const auto& one : data->messages) frame += footprint(one);
    CHECK(frame <= limits::batch_bytes);
    bytes += frame;
  }
  CHECK(bytes >= limits::answer_bytes / 2);
  CHECK(bytes <= limits::answer_bytes + limits::batch_bytes);
}

TEST_CASE("a request of a stranger gets no answer") {
  auto a = with_b();
  a.publish("x");
  CHECK(a.step(input::FromRoute{"r", "c", RetransmitRequest{c, 1, 1}}).empty());
  CHECK(a.counters().unexpected == 1);
}

TEST_CASE("a peer that keeps asking for ten seconds is slow") {
  auto a = with_b();
  for (int i = 0; i < 30; ++i) a.publish("x");
  for (int second = 0; second < 14; ++second) {
    CHECK(a.status().peers.at(0).slow == (second > 10));
    a.step(input::FromRoute{"r", "b", RetransmitRequest{b, 11, 20}});
    a.wait(seconds(1));
  }
  CHECK(a.status().peers.at(0).lag == 20);
}

// --- what the application does not wait for -----------------------------------------------------

TEST_CASE("by default a message whose change does not come is held for good") {
  auto a = with_b(gated());
  a.step(ServerUp{server_life});
  a.data(b, 1, {message_at("x", at(200))});
  CHECK(a.wait(std::chrono::hours(1)).find("deliver") == std::string::npos);
  CHECK(a.status().held == 1);
}

TEST_CASE("with overdue = late a message goes out marked when its time is over, in order") {
  auto options = gated();
  options.overdue = Overdue::late;
  options.overdue_after = seconds(3);
  auto a = with_b(options);  // and no server answers
  a.data(b, 1, {message_at("x", at(200)), message_at("y", at(300))});
  a.wait(seconds(2));
  a.data(b, 3, {message_at("z", at(300))});
  CHECK(a.wait(seconds(1) - Duration(1)).find("deliver") == std::string::npos);
  CHECK(a.wait(Duration(1)) == "deliver x of b late, deliver y of b late");
  CHECK(a.counters().late == 2);
  a.step(ServerUp{server_life});
  CHECK(a.step(input::ReplayPositionRead{replayed(300)}) == "deliver z of b");
}

TEST_CASE("a position that never came true does not spread with what this peer publishes") {
  auto options = gated();
  options.overdue = Overdue::late;
  options.overdue_after = seconds(3);
  auto a = with_b(options);
  a.step(ServerUp{server_life});
  a.step(input::ReplayPositionRead{replayed(200)});
  a.data(b, 1, {message_at("x", at(1ULL << 63U)), message_at("y", std::nullopt)});
  CHECK(a.wait(seconds(4)).find("deliver x of b late, deliver y of b") != std::string::npos);
  a.publish("mine");
  REQUIRE(a.sent().size() == 1);
  CHECK(a.sent().front().inherited == std::nullopt);
}

TEST_CASE("with overdue = drop a message is reported with its position when its time is over") {
  auto options = gated();
  options.overdue = Overdue::drop;
  options.overdue_after = seconds(1);
  auto a = with_b(options);
  a.data(b, 1, {message_at("x", at(200))});
  CHECK(a.wait(seconds(1)) == "undelivered 1-1 of b: overdue");
  CHECK(a.notices<Undelivered>().at(0).position == at(200));
  CHECK(a.counters().overdue == 1);
}

TEST_CASE("nothing is overdue while the application takes no deliveries, and time goes on") {
  auto options = gated();
  options.overdue = Overdue::late;
  options.overdue_after = seconds(1);
  auto a = with_b(options);
  a.data(b, 1, {message_at("x", at(200))});
  a.step(input::Demand{false});
  CHECK(a.wait(seconds(1)).find("deliver") == std::string::npos);
  CHECK(a.status().untaken == seconds(1));
  CHECK(a.step(input::Demand{true}) == "deliver x of b late");
}
