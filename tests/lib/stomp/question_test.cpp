// SENDs to /tidegate/wait: questions whether a position is covered, answered by their receipts.
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

FrameHeaders question(FrameHeaders more = {}) {
  FrameHeaders headers{
      {"destination", "/tidegate/wait"}, {"receipt", "q"}, {"position", position_text}};
  headers.insert(headers.end(), more.begin(), more.end());
  return headers;
}

AskEffect asked(StompClient& client, const FrameHeaders& headers) {
  client.send("SEND", headers);
  const auto effects = client.effects<AskEffect>();
  REQUIRE(effects.size() == 1);
  CHECK(client.hear().empty());
  return effects[0];
}

std::string refused_by(const FrameHeaders& headers, const std::string& body = "") {
  StompClient client;
  client.connect("1.2").send("SEND", headers, body);
  CHECK(client.effects<AskEffect>().empty());
  CHECK(client.effects<PublishEffect>().empty());
  return client.hear_error();
}

}  // namespace

TEST_CASE("a question is no message, and its receipt is the answer") {
  StompClient client;
  client.connect("1.2");
  const auto effect = asked(client, question({{"timeout-ms", "250"}, {"everywhere", "true"}}));
  CHECK(effect.question.position == position_from_text(position_text).value());
  CHECK(effect.question.timeout == 250ms);
  CHECK(effect.question.where == Where::everywhere);
  client.session.covered(effect.tag, Covered::pending, "app-2, app-3");
  const auto receipt = client.hear_one();
  CHECK(receipt.command == "RECEIPT");
  CHECK(header_of(receipt, "receipt-id") == "q");
  CHECK(header_of(receipt, "covered") == "pending");
  CHECK(header_of(receipt, "behind") == "app-2, app-3");
  CHECK(header_of(receipt, "sequence") == "(none)");
}

TEST_CASE("a question that says no more than its position is answered at once, for this peer") {
  StompClient client;
  client.connect("1.0");
  const auto token = to_token(position_from_text(position_text).value());
  const auto effect =
      asked(client, {{"destination", "/tidegate/wait"}, {"receipt", "q"}, {"position", token}});
  CHECK(effect.question.timeout == 0ms);
  CHECK(effect.question.where == Where::here);
  client.session.covered(effect.tag, Covered::visible);
  const auto receipt = client.hear_one();
  CHECK(header_of(receipt, "covered") == "visible");
  CHECK(header_of(receipt, "behind") == "(none)");
}

TEST_CASE("a question that makes no sense is refused with what to write") {
  CHECK(contains(refused_by({{"destination", "/tidegate/wait"}, {"position", position_text}}),
                 "needs the header receipt"));
  CHECK(contains(refused_by({{"destination", "/tidegate/wait"}, {"receipt", "q"}}),
                 "needs the header position"));
  CHECK(
      contains(refused_by({{"destination", "/tidegate/wait"}, {"receipt", "q"}, {"position", "x"}}),
               "position is wrong"));
  CHECK(contains(refused_by(question({{"timeout-ms", "1s"}})), "write a number of milliseconds"));
  CHECK(contains(refused_by(question({{"timeout-ms", "86400001"}})), "up to 86400000"));
  CHECK(contains(refused_by(question({{"everywhere", "yes"}})), "write true or false"));
  CHECK(contains(refused_by(question({{"transaction", "t"}})), "no place in a transaction"));
  CHECK(contains(refused_by(question(), "body"), "has no body"));
}

TEST_CASE("one that the peer does not take is refused by name, and the end waits for the others") {
  StompClient client;
  client.connect("1.2");
  const auto first = asked(client, question());
  client.send("DISCONNECT", {{"receipt", "end"}});
  CHECK(client.hear().empty());
  client.session.covered(first.tag, Covered::unknown);
  const auto frames = client.hear();
  REQUIRE(frames.size() == 2);
  CHECK(header_of(frames[1], "receipt-id") == "end");
  StompClient other;
  other.connect("1.2");
  const auto second = asked(other, question());
  other.session.refused(second.tag, "not asked: too_many");
  const auto error = other.hear_one();
  CHECK(error.command == "ERROR");
  CHECK(header_of(error, "receipt-id") == "q");
}
