// SEND, transactions, and the receipts that the peer's answers give.
#include "lib/stomp/session.hpp"
#include "tests/lib/stomp/stomp_client.hpp"
#include "tests/support/contains.hpp"
#include "tidegate/token.hpp"

using namespace tidegate;
using namespace tidegate::stomp;
using namespace tidegate::testing;
using namespace std::chrono_literals;

namespace {

const std::string position_text = "postgres:7:1:0/3000060";

Publication published_by(FrameHeaders headers) {
  StompClient client;
  headers.push_back({"destination", "a"});
  client.connect("1.2").send("SEND", headers, "body");
  auto effects = client.effects<PublishEffect>();
  REQUIRE(effects.size() == 1);
  CHECK(client.hear().empty());
  return std::move(effects[0].publication);
}

std::string refused_by(FrameHeaders headers) {
  StompClient client;
  headers.push_back({"destination", "a"});
  client.connect("1.2").send("SEND", headers);
  CHECK(client.effects<PublishEffect>().empty());
  return client.hear_error();
}

std::string receipt_of(const Frame& frame) { return header_of(frame, "receipt-id"); }

}  // namespace

TEST_CASE("a SEND says what its message waits for, and a commit is the default") {
  const auto is_commit = [](const Publication& publication, bool durable) {
    const auto* commit = std::get_if<AfterCommit>(&publication.dependency);
    return commit != nullptr && commit->durable == durable;
  };
  CHECK(is_commit(published_by({}), false));
  CHECK(is_commit(published_by({{"depends", "commit"}}), false));
  CHECK(is_commit(published_by({{"durable", "true"}}), true));
  CHECK(is_commit(published_by({{"durable", "false"}}), false));
  CHECK(is_commit(published_by({{"depends", "commit"}, {"durable", "true"}}), true));
  CHECK_FALSE(std::get<NoChange>(published_by({{"depends", "none"}}).dependency).apart);
  CHECK(std::holds_alternative<AfterRead>(published_by({{"depends", "read"}}).dependency));
  CHECK(
      std::get<NoChange>(published_by({{"depends", "none"}, {"order", "none"}}).dependency).apart);
  const auto position = position_from_text(position_text).value();
  for (const auto& text : {position_text, to_token(position)}) {
    CHECK(std::get<Position>(published_by({{"position", text}}).dependency) == position);
  }
}

TEST_CASE("a SEND that contradicts itself or has an unknown word is refused") {
  CHECK(contains(refused_by({{"depends", "comit"}}), "write none, commit or read"));
  CHECK(contains(refused_by({{"durable", "yes"}}), "write true or false"));
  CHECK(contains(refused_by({{"order", "none"}}), "add depends:none"));
  CHECK(contains(refused_by({{"order", "some"}, {"depends", "none"}}), "write none"));
  CHECK(contains(refused_by({{"durable", "true"}, {"depends", "none"}}), "needs depends:commit"));
  CHECK(contains(refused_by({{"position", position_text}, {"depends", "commit"}}), "one of them"));
  CHECK(contains(refused_by({{"position", "x"}}), "position is wrong"));
  CHECK(contains(refused_by({{"receipt-when", "delivered"}}), "write received or sent"));
  StompClient client;
  client.connect("1.2").send("SEND");
  CHECK(contains(client.hear_error(), "SEND needs the header destination"));
}

TEST_CASE("the user's headers travel, the first of each name, and those of the protocol do not") {
  const auto publication = published_by({{"content-type", "text/plain"},
                                         {"receipt", "1"},
                                         {"login", "x"},
                                         {"passcode", "x"},
                                         {"depends", "none"},
                                         {"ack", "1"},
                                         {"mine", "1"},
                                         {"mine", "2"}});
  CHECK(publication.headers == Headers{{"content-type", "text/plain"}, {"mine", "1"}});
  CHECK(publication.payload == "body");
}

TEST_CASE("the receipt of a SEND is given once it was sent, and names its place") {
  StompClient client;
  client.connect("1.2");
  for (const auto* id : {"one", "two", "three"}) {
    client.send("SEND", {{"destination", "a"}, {"receipt", id}});
  }
  const auto published = client.effects<PublishEffect>();
  REQUIRE(published.size() == 3);
  CHECK(client.hear().empty());
  client.session.sent(published[1].tag, 5, position_from_text(position_text).value());
  const auto receipt = client.hear_one();
  CHECK(receipt.command == "RECEIPT");
  CHECK(receipt_of(receipt) == "two");
  CHECK(header_of(receipt, "sequence") == "5");
  CHECK(header_of(receipt, "position") == to_token(position_from_text(position_text).value()));
  client.session.sent(published[0].tag, 4, std::nullopt);
  CHECK(header_of(client.hear_one(), "position") == "(none)");
}

TEST_CASE("a receipt that waits until all have the message is not given before") {
  StompClient client;
  client.connect("1.2").send(
      "SEND", {{"destination", "a"}, {"receipt", "r"}, {"receipt-when", "received"}});
  const auto published = client.effects<PublishEffect>();
  REQUIRE(published.size() == 1);
  CHECK(published[0].publication.acknowledged);
  client.session.sent(published[0].tag, 5, std::nullopt);
  CHECK(client.hear().empty());
  client.session.received(published[0].tag, "app-2");
  const auto receipt = client.hear_one();
  CHECK(receipt_of(receipt) == "r");
  CHECK(header_of(receipt, "sequence") == "5");
  CHECK(header_of(receipt, "without") == "app-2");
  // Nobody would hear of it.
  CHECK_FALSE(published_by({{"receipt-when", "received"}}).acknowledged);
}

TEST_CASE("receipts that can't be given are told by one ERROR") {
  StompClient client;
  client.connect("1.2");
  for (const auto* id : {"one", "two", "three"}) {
    client.send("SEND", {{"destination", "a"}, {"receipt", id}});
  }
  const auto published = client.effects<PublishEffect>();
  client.session.unpublished(published[0].tag, "primary_lost", "{}");
  client.session.unpublished(published[1].tag, "primary_lost", "{}");
  CHECK(client.hear().empty());
  client.pass(0ms);
  const auto error = client.hear_one();
  CHECK(error.command == "ERROR");
  CHECK(receipt_of(error) == "one");
  CHECK(contains(error.body, "not sent (primary_lost), so no receipt can be given for one two"));
  CHECK(contains(error.body, "1 more have no answer yet"));
  CHECK(client.session.ended() == Ended::unpublished);
}

TEST_CASE("a client that subscribes to notices hears of a lost message there, and goes on") {
  StompClient client;
  client.connect("1.2").send("SUBSCRIBE", {{"id", "n"}, {"destination", "/tidegate/notices"}});
  CHECK(client.effects<WantEffect>().empty());
  client.send("SEND", {{"destination", "a"}, {"receipt", "r"}});
  client.session.unpublished(client.effects<PublishEffect>()[0].tag, "left", "{\"why\":1}");
  client.session.notify("undelivered", "{}");
  client.pass(0ms);
  const auto told = client.hear();
  REQUIRE(told.size() == 2);
  CHECK(told[0].command == "MESSAGE");
  CHECK(header_of(told[0], "subscription") == "n");
  CHECK(header_of(told[0], "destination") == "/tidegate/notices");
  CHECK(header_of(told[0], "notice") == "unpublished");
  CHECK(receipt_of(told[0]) == "r");
  CHECK(told[0].body == "{\"why\":1}");
  CHECK(header_of(told[1], "notice") == "undelivered");
  CHECK(receipt_of(told[1]) == "(none)");
  client.send("SEND", {{"destination", "a"}, {"receipt", "s"}});
  client.session.sent(client.effects<PublishEffect>()[0].tag, 1, std::nullopt);
  CHECK(receipt_of(client.hear_one()) == "s");
}

TEST_CASE("a message that the peer refuses ends the connection with the reason") {
  StompClient client;
  client.connect("1.2").send("SEND", {{"destination", "a"}, {"receipt", "r"}});
  client.session.refused(client.effects<PublishEffect>()[0].tag, "there is no primary");
  const auto error = client.hear_one();
  CHECK(receipt_of(error) == "r");
  CHECK(error.body == "there is no primary\n");
}

TEST_CASE("the receipt of DISCONNECT says that all before was sent") {
  StompClient client;
  client.connect("1.2");
  client.send("SEND", {{"destination", "a"}});
  client.send("SEND", {{"destination", "a"}, {"receipt", "r"}});
  client.send("DISCONNECT", {{"receipt", "bye"}});
  const auto published = client.effects<PublishEffect>();
  client.session.sent(published[0].tag, 1, std::nullopt);
  CHECK(client.hear().empty());
  client.session.sent(published[1].tag, 2, std::nullopt);
  const auto receipts = client.hear();
  REQUIRE(receipts.size() == 2);
  CHECK(receipt_of(receipts[0]) == "r");
  CHECK(receipt_of(receipts[1]) == "bye");
  CHECK(client.session.over());
}

TEST_CASE("the receipt of DISCONNECT is not given when a message before was lost") {
  StompClient client;
  client.connect("1.2");
  client.send("SEND", {{"destination", "a"}});
  client.send("DISCONNECT", {{"receipt", "bye"}});
  client.session.unpublished(client.effects<PublishEffect>()[0].tag, "left", "{}");
  const auto error = client.hear_one();
  CHECK(error.command == "ERROR");
  CHECK(receipt_of(error) == "bye");
  CHECK(contains(error.body, "1 messages were not sent"));
}

TEST_CASE("a client that closes its side after a SEND still gets the receipt, for a while") {
  StompClient client;
  client.connect("1.2").send("SEND", {{"destination", "a"}, {"receipt", "r"}});
  client.session.input_ended(Instant(1h));
  CHECK_FALSE(client.session.over());
  client.session.sent(client.effects<PublishEffect>()[0].tag, 1, std::nullopt);
  CHECK(receipt_of(client.hear_one()) == "r");
  CHECK(client.session.over());
  StompClient waits;
  waits.connect("1.2").send("SEND", {{"destination", "a"}, {"receipt", "r"}});
  waits.send("DISCONNECT");
  CHECK(waits.session.deadline() == never);
  waits.session.input_ended(Instant(1h));
  waits.pass(31s);
  CHECK(waits.session.over());
}

TEST_CASE("a transaction is published whole, in order and with one dependency when it commits") {
  StompClient client;
  client.connect("1.2").send("BEGIN", {{"transaction", "t"}});
  client.send("SEND", {{"destination", "a"}, {"transaction", "t"}}, "1");
  client.send("SEND", {{"destination", "a"}, {"transaction", "t"}, {"durable", "true"}}, "2");
  client.send("SEND", {{"destination", "a"}}, "outside");
  CHECK(client.effects<PublishEffect>().size() == 1);
  client.send("COMMIT", {{"transaction", "t"}, {"receipt", "c"}});
  const auto published = client.effects<PublishEffect>();
  REQUIRE(published.size() == 2);
  for (const auto& each : published) {
    CHECK(std::get<AfterCommit>(each.publication.dependency).durable);
  }
  CHECK(published[0].publication.payload == "1");
  CHECK(published[1].publication.payload == "2");
  client.session.sent(published[0].tag, 1, std::nullopt);
  CHECK(client.hear().empty());
  client.session.sent(published[1].tag, 2, std::nullopt);
  CHECK(receipt_of(client.hear_one()) == "c");
}

TEST_CASE("a COMMIT may name the dependency, and may wait until all have the messages") {
  StompClient client;
  client.connect("1.2").send("BEGIN", {{"transaction", "t"}});
  client.send("SEND", {{"destination", "a"}, {"transaction", "t"}});
  client.send(
      "COMMIT",
      {{"transaction", "t"}, {"depends", "none"}, {"receipt", "c"}, {"receipt-when", "received"}});
  const auto published = client.effects<PublishEffect>();
  REQUIRE(published.size() == 1);
  CHECK(std::holds_alternative<NoChange>(published[0].publication.dependency));
  client.session.sent(published[0].tag, 1, std::nullopt);
  CHECK(client.hear().empty());
  client.session.received(published[0].tag);
  CHECK(receipt_of(client.hear_one()) == "c");
}

TEST_CASE("a transaction that names two dependencies is refused, and nothing of it is published") {
  StompClient client;
  client.connect("1.2").send("BEGIN", {{"transaction", "t"}});
  client.send("SEND", {{"destination", "a"}, {"transaction", "t"}, {"depends", "none"}});
  client.send("COMMIT", {{"transaction", "t"}, {"depends", "commit"}});
  CHECK(client.effects<PublishEffect>().empty());
  CHECK(contains(client.hear_error(), "one dependency"));
}

TEST_CASE("a transaction that is aborted, or whose client goes, publishes nothing") {
  StompClient client;
  client.connect("1.2").send("BEGIN", {{"transaction", "t"}});
  client.send("SEND", {{"destination", "a"}, {"transaction", "t"}});
  client.send("ABORT", {{"transaction", "t"}});
  client.send("BEGIN", {{"transaction", "t"}});
  client.send("SEND", {{"destination", "a"}, {"transaction", "t"}});
  client.session.input_ended({});
  CHECK(client.effects<PublishEffect>().empty());
}

TEST_CASE("transactions that are not there, there already, too many or too large are refused") {
  const auto answer = [](const std::vector<std::pair<const char*, FrameHeaders>>& frames) {
    StompClient client;
    client.connect("1.2");
    for (const auto& [command, headers] : frames) client.send(command, headers);
    return client.hear_error();
  };
  const FrameHeaders t{{"transaction", "t"}};
  CHECK(contains(answer({{"COMMIT", t}}), "no transaction 't'"));
  CHECK(contains(answer({{"SEND", {{"destination", "a"}, {"transaction", "t"}}}}), "BEGIN it"));
  CHECK(contains(answer({{"BEGIN", t}, {"BEGIN", t}}), "open already"));
  CHECK(contains(answer({{"BEGIN", {}}}), "BEGIN needs the header transaction"));
  StompClient many;
  many.connect("1.2");
  for (int i = 0; i < 17; ++i) many.send("BEGIN", {{"transaction", std::to_string(i)}});
  CHECK(contains(many.hear_error(), "more than 16"));
  StompClient large({.name = "1", .server = "s", .payload_bytes = std::size_t{16} << 20U});
  large.connect("1.2").send("BEGIN", t);
  for (int i = 0; i < 2; ++i) {
    large.send("SEND", {{"destination", "a"}, {"transaction", "t"}},
               std::string(std::size_t{16} << 20U, 'x'));
  }
  CHECK(contains(large.hear_error(), "commit smaller ones"));
}
