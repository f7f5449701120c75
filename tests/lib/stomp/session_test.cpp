// Connecting, heart-beats and the end of a session, and how a client hears of it.
#include "lib/stomp/session.hpp"

#include "tests/lib/stomp/stomp_client.hpp"
#include "tests/support/contains.hpp"

using namespace tidegate;
using namespace tidegate::stomp;
using namespace tidegate::testing;
using namespace std::chrono_literals;
using namespace std::string_literals;

TEST_CASE("the highest version that both know is agreed upon") {
  const auto version_for = [](const FrameHeaders& headers) {
    StompClient client;
    client.send("CONNECT", headers);
    const auto answer = client.hear_one();
    CHECK(answer.command == "CONNECTED");
    CHECK(header_of(answer, "server") == "tidegate/0");
    CHECK(header_of(answer, "session") == "1");
    return header_of(answer, "version");
  };
  CHECK(version_for({}) == "1.0");
  CHECK(version_for({{"accept-version", "1.0"}, {"host", "elsewhere"}}) == "1.0");
  CHECK(version_for({{"accept-version", "1.1,1.0"}}) == "1.1");
  CHECK(version_for({{"accept-version", "1.0, 1.2 ,1.1,7.3"}}) == "1.2");
  StompClient client;
  client.send("STOMP", {{"accept-version", "1.1"}});
  CHECK(client.hear_one().command == "CONNECTED");
}

TEST_CASE("a client of no known version is told the known ones") {
  StompClient client;
  client.send("CONNECT", {{"accept-version", "2.0,1.3"}});
  const auto error = client.hear_one();
  CHECK(error.command == "ERROR");
  CHECK(header_of(error, "version") == "1.0,1.1,1.2");
  CHECK(header_of(error, "content-type") == "text/plain;charset=utf-8");
  CHECK(client.session.over());
}

TEST_CASE("the first frame opens the connection, and no other one does") {
  StompClient early;
  early.send("SEND", {{"destination", "a"}});
  CHECK(contains(early.hear_error(), "first frame is CONNECT"));
  CHECK(early.effects<PublishEffect>().empty());
  StompClient twice;
  twice.connect("1.2").send("CONNECT", {{"accept-version", "1.2"}});
  CHECK(contains(twice.hear_error(), "no place"));
  StompClient silent;
  silent.pass(11s);
  CHECK(contains(silent.hear_error(), "no CONNECT"));
  CHECK(silent.session.ended() == Ended::silent);
}

TEST_CASE("a login is asked for where one is set") {
  const auto answer = [](const FrameHeaders& headers) {
    StompClient client({.name = "1", .server = "s", .login = Login{"me", "a:b"}});
    client.send("CONNECT", headers);
    const auto frame = client.hear_one();
    if (frame.command == "ERROR") {
      CHECK(contains(frame.body, "Auth"));
      CHECK(client.session.ended() == Ended::login);
    }
    return frame.command;
  };
  CHECK(answer({{"login", "me"}, {"passcode", "a:b"}}) == "CONNECTED");
  CHECK(answer({{"login", " me"}, {"passcode", " a:b "}}) == "CONNECTED");
  CHECK(answer({{"login", " me"}, {"passcode", "a:b"}, {"accept-version", "1.2"}}) == "ERROR");
  CHECK(answer({{"login", "me"}}) == "ERROR");
  CHECK(answer({{"login", "me"}, {"passcode", "a:b:"}}) == "ERROR");
  CHECK(answer({{"login", "me"}, {"passcode", "a:ba:b"}}) == "ERROR");
  CHECK(answer({{"login", "you"}, {"passcode", "a:b"}}) == "ERROR");
  CHECK(answer({}) == "ERROR");
}

TEST_CASE("the door sends an EOL as often as the client wants to hear something") {
  StompClient client;
  client.connect("1.1", {{"heart-beat", "0,100"}});
  client.pass(530ms);
  CHECK(client.heard_meanwhile == "\n\n\n\n\n");
  StompClient rarely;
  rarely.connect("1.1", {{"heart-beat", "0,10"}});  // more often than it is done
  rarely.pass(530ms);
  CHECK(rarely.heard_meanwhile == "\n\n\n\n\n");
  StompClient never_asked;
  never_asked.connect("1.2");
  CHECK(never_asked.session.deadline() == never);
}

TEST_CASE(
    "a client that is silent for twice its interval is dead, and any byte is a sign of life") {
  StompClient client;
  client.connect("1.2", {{"heart-beat", "1000,0"}});
  client.pass(1900ms);
  client.bytes("\n");
  client.pass(1900ms);
  CHECK_FALSE(client.session.ended());
  client.pass(200ms);
  CHECK(client.session.ended() == Ended::silent);
  CHECK(contains(client.hear_error(), "heart-beat"));
  StompClient wrong;
  wrong.send("CONNECT", {{"accept-version", "1.2"}, {"heart-beat", "1000"}});
  CHECK(contains(wrong.hear_error(), "two numbers"));
}

TEST_CASE("DISCONNECT is answered if that was wanted, and ends everything") {
  StompClient client;
  client.connect("1.2").send("DISCONNECT", {{"receipt", "bye"}});
  client.send("SEND", {{"destination", "a"}});
  CHECK(client.effects<PublishEffect>().empty());
  const auto receipt = client.hear_one();
  CHECK(receipt.command == "RECEIPT");
  CHECK(header_of(receipt, "receipt-id") == "bye");
  CHECK(client.session.over());
  CHECK(client.session.ended() == Ended::politely);
  StompClient polite;
  polite.connect("1.0").send("DISCONNECT");
  CHECK(polite.hear().empty());
  CHECK(polite.session.over());
}

TEST_CASE("nothing is written behind an ERROR, and no frame behind it counts") {
  StompClient client;
  client.connect("1.2").send("SUBSCRIBE", {{"id", "1"}, {"destination", "#"}});
  client.bytes("SEND\ndestination:a\nreceipt:r\n\n\0NONSENSE\n\n\0SEND\ndestination:b\n\n\0"s);
  const auto published = client.effects<PublishEffect>();
  REQUIRE(published.size() == 1);
  client.session.sent(published[0].tag, 1, std::nullopt);
  client.session.deliver(stomp_delivery("a", 1));
  client.session.notify("undelivered", "{}");
  client.session.cut(Ended::peer_leaves, "the peer leaves");
  CHECK(contains(client.hear_error(), "NONSENSE has no place in STOMP 1.2"));
  client.session.step(never);
  CHECK(client.hear().empty());
}

TEST_CASE("an ERROR says which frame it is about") {
  StompClient client;
  client.connect("1.2").send("SEND", {{"destination", "/queue/a"}, {"receipt", "7"}});
  const auto error = client.hear_one();
  CHECK(header_of(error, "receipt-id") == "7");
  CHECK(contains(header_of(error, "message"), "/queue/a"));
  CHECK(client.session.ended() == Ended::refused);
}

TEST_CASE("a broken frame is answered by an ERROR and the end") {
  StompClient client;
  client.connect("1.1").bytes("SEND\na:\\t\n\n\0"s);
  CHECK(contains(client.hear_error(), "escape that STOMP 1.1 does not know"));
  CHECK(client.session.ended() == Ended::malformed);
}

TEST_CASE("only a SEND has a body, except in 1.0, and an empty one is none") {
  StompClient client;
  client.connect("1.2").send("BEGIN", {{"transaction", "t"}, {"content-length", "0"}});
  CHECK(client.hear().empty());
  client.send("ABORT", {{"transaction", "t"}}, "body");
  CHECK(contains(client.hear_error(), "only SEND may have one"));
  StompClient old;
  old.connect("1.0").send("BEGIN", {{"transaction", "t"}}, "body");
  CHECK(old.hear().empty());
}

TEST_CASE("a receipt of a frame that asks the peer for nothing is given at once") {
  StompClient client;
  client.connect("1.2");
  client.send("SUBSCRIBE", {{"id", "1"}, {"destination", "a"}, {"receipt", "s"}});
  client.send("BEGIN", {{"transaction", "t"}, {"receipt", "b"}});
  client.send("SEND", {{"transaction", "t"}, {"destination", "a"}, {"receipt", "m"}});
  client.send("ABORT", {{"transaction", "t"}, {"receipt", "a"}});
  client.send("COMMIT", {{"transaction", "t"}, {"receipt", "c"}});
  std::string ids;
  for (const auto& frame : client.hear()) ids += frame.command[0] + header_of(frame, "receipt-id");
  CHECK(ids == "RsRbRmRaEc");  // the last one is an ERROR: that transaction is no more
}

TEST_CASE("a client that reads too slowly gets the frame that it has begun, and then the reason") {
  StompClient client({.name = "1", .server = "s", .waiting_bytes = 100'000});
  client.connect("1.2").send("SUBSCRIBE", {{"id", "1"}, {"destination", "#"}});
  client.session.deliver(stomp_delivery("a", 1, std::string(10'000, 'x')));
  const auto begun = std::string(client.session.output().substr(0, 100));
  client.session.wrote(100, {});
  std::uint64_t sequence = 1;
  while (!client.session.ended()) {
    client.session.deliver(stomp_delivery("a", ++sequence, std::string(10'000, 'x')));
    REQUIRE(sequence < 20);
  }
  CHECK(client.session.ended() == Ended::slow);
  const auto rest = std::string(client.session.output());
  CHECK(rest.size() < 11'000);
  FrameReader reader(100'000);
  reader.follow(Version::v1_2);
  reader.add(begun + rest);
  CHECK(reader.next().value()->command == "MESSAGE");
  CHECK(contains(reader.next().value()->body, "too slow"));
  CHECK_FALSE(reader.next().value().has_value());
}

TEST_CASE("a client that writes and does not read gets no further") {
  StompClient client;
  client.connect("1.2");
  const auto begin = "BEGIN\ntransaction:t\nreceipt:"s + std::string(8000, 'r') + "\n\n\0"s;
  const auto abort = "ABORT\ntransaction:t\n\n\0"s;
  int rounds = 0;
  for (; client.session.wants_input(); ++rounds) {
    REQUIRE(rounds < 10'000);
    client.bytes(begin + abort);
  }
  CHECK(rounds > 100);
  CHECK_FALSE(client.session.ended());
  client.hear();
  CHECK(client.session.wants_input());
}

TEST_CASE("the last word waits a while for a client that does not read") {
  StompClient client;
  client.connect("1.2").send("NONSENSE");
  CHECK_FALSE(client.session.over());
  const auto end = client.session.deadline();
  client.session.step(end - 1ms);
  CHECK_FALSE(client.session.over());
  client.session.step(end);
  CHECK(client.session.over());
}
