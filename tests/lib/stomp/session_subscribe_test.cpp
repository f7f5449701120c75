// SUBSCRIBE, MESSAGE, ACK and NACK.
#include "lib/stomp/session.hpp"
#include "tests/lib/stomp/stomp_client.hpp"
#include "tests/support/contains.hpp"
#include "tidegate/token.hpp"

using namespace tidegate;
using namespace tidegate::stomp;
using namespace tidegate::testing;

using Bodies = std::vector<std::string>;

namespace {

std::string refused(const std::string& version, const std::string& command,
                    const FrameHeaders& headers) {
  StompClient client;
  client.connect(version).send(command, headers);
  CHECK(client.effects<WantEffect>().empty());
  return client.hear_error();
}

// The sequences that the client has acknowledged, those that it refused with a minus.
std::string acknowledged(StompClient& client) {
  std::string text;
  for (const auto& one : client.effects<AcknowledgedEffect>()) {
    text += (one.taken ? " " : " -") + std::to_string(one.id.sequence);
  }
  return text;
}

// A client with five deliveries at hand under an ack mode, which it has heard.
StompClient with_five(const std::string& version, const std::string& ack) {
  StompClient client;
  client.connect(version).send("SUBSCRIBE", {{"id", "s"}, {"destination", "#"}, {"ack", ack}});
  for (std::uint64_t i = 1; i <= 5; ++i) client.session.deliver(stomp_delivery("a", i));
  CHECK(client.hear().size() == 5);
  return client;
}

}  // namespace

TEST_CASE("a MESSAGE tells its publisher, its place, and what it waited for") {
  StompClient client;
  client.connect("1.2").send("SUBSCRIBE", {{"id", "s"}, {"destination", "/topic/a.*"}});
  CHECK(client.effects<WantEffect>().size() == 1);
  auto delivery = *stomp_delivery("a/b", 17, std::string("\0\n", 2));
  delivery.message.position = position_from_text("postgres:7:1:0/3000060").value();
  delivery.held = std::chrono::microseconds(2500);
  delivery.late = true;
  client.session.deliver(std::make_shared<const Delivery>(delivery));
  const auto message = client.hear_one();
  CHECK(message.command == "MESSAGE");
  CHECK(header_of(message, "subscription") == "s");
  CHECK(header_of(message, "message-id") == message_id_before_sequence + "17");
  CHECK(header_of(message, "destination") == "/topic/a.b");
  CHECK(header_of(message, "ack") == "(none)");
  CHECK(header_of(message, "content-length") == "2");
  CHECK(header_of(message, "publisher") == "app-1");
  CHECK(header_of(message, "sequence") == "17");
  CHECK(header_of(message, "position") == to_token(*delivery.message.position));
  CHECK(header_of(message, "held-ms") == "2");
  CHECK(header_of(message, "late") == "true");
  CHECK(message.body == std::string("\0\n", 2));
}

TEST_CASE("the headers of the user come with the message, but none that means something here") {
  StompClient client;
  client.connect("1.2").send("SUBSCRIBE", {{"id", "s"}, {"destination", "a"}});
  auto delivery = *stomp_delivery("a", 1);
  delivery.message.headers = {{"content-type", "text/plain"},
                              {"my:word", "x\ny"},
                              {"subscription", "forged"},
                              {"receipt", "loop"}};
  client.session.deliver(std::make_shared<const Delivery>(delivery));
  const auto message = client.hear_one();
  CHECK(header_of(message, "content-type") == "text/plain");
  CHECK(header_of(message, "my:word") == "x\ny");
  CHECK(header_of(message, "subscription") == "s");
  CHECK(header_of(message, "receipt") == "(none)");
}

TEST_CASE("a client gets what matches, once for each subscription, in the order of arrival") {
  StompClient client;
  client.connect("1.1").send("SUBSCRIBE", {{"id", "1"}, {"destination", "a/#"}});
  client.send("SUBSCRIBE", {{"id", "2"}, {"destination", "b"}});
  client.send("SUBSCRIBE", {{"id", "3"}, {"destination", "b"}});
  client.session.deliver(stomp_delivery("b", 1, "b1"));
  client.session.deliver(stomp_delivery("a/x", 2, "a2"));
  client.session.deliver(stomp_delivery("c", 3, "c3"));
  client.session.deliver(stomp_delivery("b", 4, "b4"));
  CHECK(client.hear_messages() == Bodies{"b1", "b1", "a2", "b4", "b4"});
  client.send("UNSUBSCRIBE", {{"id", "2"}});
  CHECK(client.effects<UnwantEffect>().size() == 1);
  client.session.deliver(stomp_delivery("b", 5, "b5"));
  CHECK(client.hear_messages() == Bodies{"b5"});
  client.send("DISCONNECT");
  CHECK(client.effects<UnwantEffect>().size() == 2);
  client.session.deliver(stomp_delivery("b", 6));
  CHECK(client.hear().empty());
}

TEST_CASE("in 1.0 a subscription needs no id and is then known by its destination") {
  StompClient client;
  client.connect("1.0").send("SUBSCRIBE", {{"destination", "a"}});
  client.session.deliver(stomp_delivery("a", 1));
  const auto message = client.hear_one();
  CHECK(header_of(message, "subscription") == "(none)");
  CHECK(header_of(message, "ack") == "(none)");
  client.send("UNSUBSCRIBE", {{"destination", "a"}});
  client.session.deliver(stomp_delivery("a", 2));
  CHECK(client.hear().empty());
}

TEST_CASE("a subscription that makes no sense is refused") {
  const auto no_id = FrameHeaders{{"destination", "a"}};
  CHECK(contains(refused("1.1", "SUBSCRIBE", no_id), "needs the header id"));
  CHECK(contains(refused("1.2", "SUBSCRIBE", no_id), "needs the header id"));
  CHECK(contains(refused("1.0", "SUBSCRIBE", {}), "needs the header destination"));
  CHECK(contains(refused("1.2", "SUBSCRIBE", {{"id", "1"}, {"destination", "/queue/a"}}), "queue"));
  CHECK(contains(refused("1.2", "SUBSCRIBE", {{"id", "1"}, {"destination", "a"}, {"ack", "Auto"}}),
                 "write auto, client or client-individual"));
  CHECK(contains(
      refused("1.2", "SUBSCRIBE", {{"id", "1"}, {"destination", "a"}, {"prefetch-count", "0"}}),
      "number from 1"));
  CHECK(contains(refused("1.2", "UNSUBSCRIBE", {{"id", "1"}}), "no such subscription"));
  CHECK(contains(refused("1.1", "UNSUBSCRIBE", no_id), "needs the header id"));
  StompClient twice;
  twice.connect("1.2");
  for (const auto* destination : {"a", "b"}) {
    twice.send("SUBSCRIBE", {{"id", "1"}, {"destination", destination}});
  }
  CHECK(contains(twice.hear_error(), "subscription '1' already"));
  CHECK(twice.effects<UnwantEffect>().size() == 1);
  StompClient many;
  many.connect("1.2");
  for (int i = 0; i <= 256; ++i) {
    many.send("SUBSCRIBE", {{"id", std::to_string(i)}, {"destination", "a"}});
  }
  CHECK(contains(many.hear_error(), "at most 256"));
}

TEST_CASE("an ACK of a client subscription is for all messages before, too") {
  auto client = with_five("1.2", "client");
  client.send("ACK", {{"id", "3"}});
  CHECK(acknowledged(client) == " 1 2 3");
  client.send("NACK", {{"id", "4"}});
  CHECK(acknowledged(client) == " -4");
  client.send("ACK", {{"id", "3"}});  // again
  CHECK(acknowledged(client) == "");
  CHECK(client.hear().empty());
}

TEST_CASE("an ACK of a client-individual subscription is for one message") {
  auto client = with_five("1.2", "client-individual");
  client.send("ACK", {{"id", "3"}});
  client.send("NACK", {{"id", "5"}});
  CHECK(acknowledged(client) == " 3 -5");
}

TEST_CASE("before 1.2 a message is acknowledged by its message-id") {
  const auto id = message_id_before_sequence + "3";
  auto later = with_five("1.1", "client");
  later.send("ACK", {{"message-id", id}, {"subscription", "s"}});
  CHECK(acknowledged(later) == " 1 2 3");
  later.send("ACK", {{"message-id", id}, {"subscription", "gone"}});
  CHECK(acknowledged(later) == "");
  later.send("ACK", {{"message-id", id}});
  CHECK(contains(later.hear_error(), "needs the header subscription"));
  auto first = with_five("1.0", "client-individual");
  first.send("ACK", {{"message-id", id}});
  CHECK(acknowledged(first) == " 3");
  first.send("NACK", {{"message-id", id}});
  CHECK(contains(first.hear_error(), "no place in STOMP 1.0"));
}

TEST_CASE("an ACK of a message that was never sent is refused") {
  for (const auto* id : {"6", "0", "x", ""}) {
    auto client = with_five("1.2", "client");
    client.send("ACK", {{"id", id}, {"receipt", "r"}});
    CHECK(contains(client.hear_error(), "no message has that ack header"));
  }
  auto without = with_five("1.2", "client");
  without.send("ACK", {{"message-id", message_id_before_sequence + "3"}});
  CHECK(contains(without.hear_error(), "ACK needs the header id"));
}

TEST_CASE("an ACK in a transaction counts when that commits") {
  auto client = with_five("1.2", "client");
  client.send("BEGIN", {{"transaction", "t"}});
  client.send("ACK", {{"id", "3"}, {"transaction", "t"}});
  CHECK(acknowledged(client) == "");
  client.send("COMMIT", {{"transaction", "t"}, {"receipt", "c"}});
  CHECK(acknowledged(client) == " 1 2 3");
  CHECK(header_of(client.hear_one(), "receipt-id") == "c");
  client.send("BEGIN", {{"transaction", "t"}});
  client.send("ACK", {{"id", "4"}, {"transaction", "t"}});
  client.send("ABORT", {{"transaction", "t"}});
  CHECK(acknowledged(client) == "");
  client.send("BEGIN", {{"transaction", "t"}});
  client.send("SEND", {{"destination", "a"}, {"transaction", "t"}});
  client.send("ACK", {{"id", "99"}, {"transaction", "t"}});
  client.send("COMMIT", {{"transaction", "t"}});
  CHECK(client.effects<PublishEffect>().empty());
}

TEST_CASE("a subscription gets no more than its window before it acknowledges") {
  StompClient client;
  client.connect("1.2").send(
      "SUBSCRIBE",
      {{"id", "slow"}, {"destination", "#"}, {"ack", "client"}, {"prefetch-count", "2"}});
  client.send("SUBSCRIBE", {{"id", "fast"}, {"destination", "b"}});
  for (std::uint64_t i = 1; i <= 3; ++i) {
    client.session.deliver(stomp_delivery("a", i, std::to_string(i)));
  }
  client.session.deliver(stomp_delivery("b", 4, "4"));
  CHECK(client.hear_messages() == Bodies{"1", "2", "4"});
  client.send("ACK", {{"id", "1"}});
  CHECK(client.hear_messages() == Bodies{"3"});
  client.send("ACK", {{"id", "3"}});
  CHECK(client.hear_messages() == Bodies{"4"});
  CHECK(client.session.waiting() == 0);
}

TEST_CASE("a client that never acknowledges is bounded, too") {
  StompClient client({.name = "1", .server = "s", .waiting_bytes = 100'000});
  client.connect("1.2").send("SUBSCRIBE", {{"id", "1"}, {"destination", "#"}, {"ack", "client"}});
  std::uint64_t sequence = 0;
  while (!client.session.ended()) {
    client.session.deliver(stomp_delivery("a", ++sequence));
    if (!client.session.ended()) client.hear();
    REQUIRE(sequence < 3000);
  }
  CHECK(sequence > 1000);
  CHECK(contains(client.hear_error(), "too slow"));
}
