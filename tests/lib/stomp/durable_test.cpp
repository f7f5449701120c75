// Durable subscriptions: clients that go and come back, and a peer that is killed.
#include <string>

#include <doctest/doctest.h>

#include "tests/lib/stomp/durable_door.hpp"
#include "tests/support/contains.hpp"

using namespace tidegate;
using namespace tidegate::stomp;
using namespace tidegate::testing;

namespace {

const auto publisher = stomp_delivery("a", 1) -> origin;

std::string refused(DurableDoor& door, const FrameHeaders& headers) {
  auto client = door.connected();
  client->send("SUBSCRIBE", headers);
  return client->hear_error();
}

}  // namespace

TEST_CASE("a client that comes back gets what it had not acknowledged, then what came meanwhile") {
  DurableDoor door;
  auto client = door.subscribed();
  door.deliver(1, 5);
  CHECK(hear_text(*client) == "1 2 3 4 5");
  acknowledge(*client, 1, 2);
  acknowledge(*client, 4, 4);
  client->session.input_ended(Instant(std::chrono::hours(1)));
  door.deliver(6, 8);
  auto next = door.subscribed();
  CHECK(hear_text(*next) == "3r 5r 6 7 8");
  acknowledge(*next, 1, 5);
  next->send("DISCONNECT");
  CHECK(hear_text(*door.subscribed()).empty());
}

TEST_CASE("a cumulative ACK of a durable subscription is for all before") {
  DurableDoor door;
  auto client = door.subscribed("a/#", "client");
  door.deliver(1, 5);
  CHECK(hear_text(*client) == "1 2 3 4 5");
  acknowledge(*client, 4, 4);
  door.write();
  door.kill();
  CHECK(door.resumes_at() == 5);
}

TEST_CASE("a killed peer resumes behind what was acknowledged, and gives nothing of it again") {
  DurableDoor door;
  auto client = door.subscribed();
  door.deliver(1, 6);
  CHECK(hear_text(*client) == "1 2 3 4 5 6");
  acknowledge(*client, 1, 2);
  acknowledge(*client, 5, 5);
  door.write();
  door.kill();
  CHECK(door.resumes_at() == 3);
  client = door.subscribed();
  door.deliver(3, 8, true);
  CHECK(hear_text(*client) == "3r 4r 6r 7 8");
  acknowledge(*client, 1, 5);
  door.write();
  door.kill();
  CHECK(door.resumes_at() == 9);
}

TEST_CASE("what was delivered and not acknowledged is not settled, wherever the peer is killed") {
  DurableDoor door;
  auto client = door.subscribed();
  door.deliver(1, 3);
  door.subscriptions->passed({{publisher, 4}});
  CHECK(hear_text(*client) == "1 2 3");
  door.subscriptions->passed({{publisher, 4}});
  door.write();
  door.kill();
  CHECK(door.resumes_at() == 1);
}

TEST_CASE("messages that were not for it don't hold back the place of a durable subscription") {
  DurableDoor door;
  auto client = door.subscribed();
  door.subscriptions->passed({{publisher, 5}});  // where it begins
  door.deliver(7, 7);
  door.subscriptions->passed({{publisher, 31}});
  door.write();
  CHECK(door.resumes_at() == 7);
  CHECK(hear_text(*client) == "7");
  acknowledge(*client, 1, 1);
  door.subscriptions->passed({{publisher, 31}});
  door.write();
  door.kill();
  CHECK(door.resumes_at() == 31);
}

TEST_CASE("a publisher of which nothing was for it is resumed all the same") {
  DurableDoor door;
  auto client = door.subscribed();
  door.subscriptions->passed({{publisher, 5}});
  door.write();
  door.kill();
  CHECK(door.resumes_at() == 5);
  door.deliver(5, 6, true);
  CHECK(hear_text(*door.subscribed()) == "5 6");
}

TEST_CASE("what was published before a durable subscription began is not for it") {
  DurableDoor door;
  auto client = door.subscribed();
  door.deliver(1, 3, true);
  door.deliver(4, 4);
  CHECK(hear_text(*client) == "4");
  door.write();
  // In its second life it has a claim to all that an unknown publisher retains.
  door.kill();
  client = door.subscribed();
  auto other = *stomp_delivery("a/x", 8, "other");
  other.origin.peer.bytes.fill(1);
  other.earlier = true;
  door.subscriptions->deliver(std::make_shared<const Delivery>(other));
  CHECK(hear_text(*client) == "other");
}

TEST_CASE("the lowest place of all durable subscriptions is resumed, and each takes its own") {
  DurableDoor door;
  auto first = door.subscribed();
  auto second = door.connected();
  second->send(
      "SUBSCRIBE",
      {{"id", "s"}, {"destination", "#"}, {"ack", "client"}, {"durable-subscription-name", "all"}});
  door.deliver(1, 4);
  CHECK(hear_text(*first) == "1 2 3 4");
  CHECK(hear_text(*second) == "1 2 3 4");
  acknowledge(*first, 1, 2);
  acknowledge(*second, 4, 4);
  door.write();
  door.kill();
  CHECK(door.resumes_at() == 3);
  first = door.subscribed();
  door.deliver(3, 5, true);
  CHECK(hear_text(*first) == "3r 4r 5");
  second = door.connected();
  second->send(
      "SUBSCRIBE",
      {{"id", "s"}, {"destination", "#"}, {"ack", "client"}, {"durable-subscription-name", "all"}});
  CHECK(hear_text(*second) == "5");
}

TEST_CASE("a newer connection takes a durable subscription over, and the older one is told") {
  DurableDoor door;
  auto older = door.subscribed();
  door.deliver(1, 2);
  CHECK(hear_text(*older) == "1 2");
  auto newer = door.subscribed();
  const auto evicted = newer->effects<EvictEffect>();
  REQUIRE(evicted.size() == 1);
  CHECK(evicted[0].connection == "1");
  older->session.cut(Ended::evicted, evicted[0].why);
  CHECK(contains(older->hear_error(), "a newer connection has taken the durable subscription"));
  door.deliver(3, 3);
  CHECK(hear_text(*newer) == "1r 2r 3");
}

TEST_CASE("UNSUBSCRIBE leaves a durable subscription, and with its name removes it for good") {
  DurableDoor door;
  auto client = door.subscribed();
  CHECK(client->effects<WantEffect>().size() == 1);
  client->send("UNSUBSCRIBE", {{"id", "s"}});
  CHECK(client->effects<UnwantEffect>().empty());
  door.deliver(1, 1);
  client = door.subscribed();
  CHECK(client->effects<WantEffect>().empty());
  CHECK(hear_text(*client) == "1");
  auto other = door.connected();
  other->send("UNSUBSCRIBE", {{"durable-subscription-name", "mails"}});
  CHECK(other->effects<UnwantEffect>().size() == 1);
  CHECK(door.subscriptions->empty());
  door.write();
  door.kill();
  CHECK(door.subscriptions->empty());
  other = door.connected();
  other->send("UNSUBSCRIBE", {{"durable-subscription-name", "mails"}});
  CHECK(contains(other->hear_error(), "no durable subscription 'mails'"));
}

TEST_CASE("a durable subscription that makes no sense is refused, and it is said why") {
  DurableDoor door;
  const FrameHeaders good{{"id", "1"}, {"destination", "a"}, {"ack", "client"}};
  const auto with = [&](FrameHeaders headers, const std::string& name) {
    headers.push_back({"durable-subscription-name", name});
    return headers;
  };
  CHECK(contains(refused(door, with({{"id", "1"}, {"destination", "a"}}, "x")), "add ack:client"));
  CHECK(contains(refused(door, with(good, "x y")), "printable ASCII"));
  CHECK(contains(
      refused(door,
              with({{"id", "1"}, {"destination", "/tidegate/notices"}, {"ack", "client"}}, "x")),
      "told of what it will not get by itself"));
  auto client = door.subscribed();
  CHECK(contains(refused(door, with(good, "mails")), "is one to 'a/#'; remove it by UNSUBSCRIBE"));
  client->send("SUBSCRIBE",
               with({{"id", "2"}, {"destination", "a/#"}, {"ack", "client"}}, "mails"));
  CHECK(contains(client->hear_error(), "this connection has"));
  for (int i = 1; i < 64; ++i) {
    auto one = door.connected();
    one->send("SUBSCRIBE", with(good, std::to_string(i)));
    CHECK(one->hear().empty());
  }
  CHECK(contains(refused(door, with(good, "too-many")), "there are 64 durable subscriptions"));
  StompClient without;
  without.connect("1.2").send("SUBSCRIBE", with(good, "x"));
  CHECK(contains(without.hear_error(), "--state-file"));
}

TEST_CASE("in 1.0 and 1.1 a durable subscription is acknowledged by message-id") {
  for (const auto* version : {"1.0", "1.1"}) {
    DurableDoor door;
    auto client = door.connected(version);
    client->send("SUBSCRIBE", {{"id", "s"},
                               {"destination", "a/#"},
                               {"ack", "client"},
                               {"durable-subscription-name", "mails"}});
    door.deliver(1, 3);
    CHECK(hear_text(*client) == "1 2 3");
    client->send("ACK", {{"message-id", message_id_before_sequence + "2"}, {"subscription", "s"}});
    client->session.input_ended(Instant(std::chrono::hours(1)));
    CHECK(hear_text(*door.subscribed()) == "3r");
  }
}

TEST_CASE("a NACK settles a message of a durable subscription, too") {
  DurableDoor door;
  auto client = door.subscribed();
  door.deliver(1, 1);
  CHECK(hear_text(*client) == "1");
  client->send("NACK", {{"id", "1"}});
  const auto effects = client->effects<AcknowledgedEffect>();
  REQUIRE(effects.size() == 1);
  CHECK(!effects[0].taken);
  CHECK(hear_text(*door.subscribed()).empty());
}
