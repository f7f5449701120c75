// Durable subscriptions at the STOMP door of a real peer: clients that go and come back, and peers
// that are killed, while another peer goes on publishing.
#include <chrono>
#include <csignal>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "support/eventually.hpp"
#include "tests/live/command_mesh.hpp"
#include "tests/live/stomp/hand_written.hpp"

using namespace std::chrono_literals;
using namespace std::string_literals;
using namespace tidegate;
using namespace tidegate::support;
using namespace tidegate::testing;

namespace {

std::string subscribe(const std::string& destination = "jobs/#") {
  return "SUBSCRIBE\nid:1\ndestination:" + destination +
         "\nack:client\ndurable-subscription-name:mails\nreceipt:s\n\n\0"s;
}

// A client that has subscribed under the name "mails".
class Mails {
 public:
  explicit Mails(const std::string& path) : client_(path) {
    client_.connect().write(subscribe());
    CHECK(receipt_of(client_.frame()) == "RECEIPT s");
  }

  // The bodies of the next messages up to that one: "1 2r [undelivered]", those that have come
  // before with a mark, and of a notice its kind.
  std::string hear_to(const std::string& last) {
    std::string heard;
    while (true) {
      const auto frame = client_.frame();
      REQUIRE(frame.command == "MESSAGE");
      const auto* notice = frame.find("notice");
      ack_ = *frame.find("ack");
      if (notice != nullptr) notice_ = json::parse(frame.body);
      heard += (heard.empty() ? "" : " ") + (notice == nullptr ? frame.body : "[" + *notice + "]") +
               (frame.find("redelivered") == nullptr ? "" : "r");
      if (frame.body == last) return heard;
    }
  }
  // All up to the last one that was heard.
  void acknowledge() {
    client_.write("ACK\nid:" + ack_ + "\nreceipt:a\n\n\0"s);
    CHECK(receipt_of(client_.frame()) == "RECEIPT a");
  }
  // Returns when the door knows it, so that nothing more is written to this client.
  void leave() {
    client_.write("DISCONNECT\nreceipt:d\n\n\0"s);
    CHECK(receipt_of(client_.frame()) == "RECEIPT d");
  }
  [[nodiscard]] const json& notice() const { return notice_; }  // the last one
  HandWritten& client() { return client_; }

 private:
  HandWritten client_;
  std::string ack_;
  json notice_;
};

std::string numbers(int first, int last, const std::string& mark = "") {
  std::string text;
  for (int i = first; i <= last; ++i) {
    text += (text.empty() ? "" : " ") + std::to_string(i) + mark;
  }
  return text;
}

// A peer with a door and a state file, and another one that publishes.
struct Pair {
  explicit Pair(const Arguments& more = {}) {
    start_reader();
    Arguments arguments{"peer", "--name", "writer"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    writer.emplace(mesh.start(arguments));
    meet();
  }

  void start_reader() {
    reader.emplace(mesh.start(
        {"peer", "--name", "reader", "--door", "unix:" + door(), "--state-file", state()}));
  }
  void meet() {
    wait_for(*reader, "peer_ready");
    wait_for(*writer, "peer_ready");
  }
  void end_reader(int signal) {
    reader->send(signal);
    (void)ended(*reader);
  }
  // Some of another topic are in between.
  void publish(int first, int last) {
    std::string lines;
    for (int i = first; i <= last; ++i) {
      const auto text = std::to_string(i);
      lines += R"({"topic":"other","payload":"x"})"
               "\n"
               R"({"topic":"jobs/)" +
               text + R"(","payload":")" + text + "\"}\n";
    }
    writer->write(lines);
  }
  // The writer has sent all before.
  void settle() {
    writer->write(R"({"topic":"other","payload":"x","id":1})"
                  "\n");
    wait_for(*writer, "sent");
  }

  [[nodiscard]] std::string door() const { return (mesh.directory() / "door").string(); }
  [[nodiscard]] std::string state() const { return (mesh.directory() / "state").string(); }

  CommandMesh mesh;
  std::optional<Process> reader;
  std::optional<Process> writer;
};

}  // namespace

TEST_CASE("a durable client that comes back gets what it missed, each once and in order") {
  Pair pair;
  {
    Mails client(pair.door());
    pair.publish(1, 5);
    CHECK(client.hear_to("5") == numbers(1, 5));
    client.acknowledge();
    pair.publish(6, 15);
    CHECK(client.hear_to("15") == numbers(6, 15));
    client.leave();
  }
  pair.publish(16, 65);
  {
    Mails client(pair.door());
    CHECK(client.hear_to("65") == numbers(6, 15, "r") + " " + numbers(16, 65));
    client.acknowledge();
    client.leave();
  }
  pair.publish(66, 66);
  Mails client(pair.door());
  CHECK(client.hear_to("66") == "66");
}

TEST_CASE("a durable client loses nothing and gets nothing twice when its peer is restarted") {
  for (const int signal : {SIGKILL, SIGTERM}) {
    for (const bool stays : {true, false}) {
      CAPTURE(signal);
      CAPTURE(stays);
      Pair pair;
      std::optional<Mails> client(std::in_place, pair.door());
      pair.publish(1, 5);
      CHECK(client->hear_to("5") == numbers(1, 5));
      client->acknowledge();
      pair.publish(6, 15);
      CHECK(client->hear_to("15") == numbers(6, 15));
      if (!stays) {
        client.reset();
        pair.publish(16, 20);
        pair.settle();
      }
      pair.end_reader(signal);
      pair.publish(stays ? 16 : 21, 65);
      pair.settle();
      pair.start_reader();
      client.emplace(pair.door());
      CHECK(client->hear_to("65") == numbers(6, 15, "r") + " " + numbers(16, 65));
      client->acknowledge();
      pair.end_reader(signal);
      pair.start_reader();
      pair.meet();
      client.emplace(pair.door());
      pair.publish(66, 66);
      CHECK(client->hear_to("66") == "66");
    }
  }
}

TEST_CASE(
    "a publisher that a durable subscription meets for the first time gives what it retains") {
  Pair pair;
  { const Mails begun(pair.door()); }
  pair.end_reader(SIGKILL);
  auto stranger = pair.mesh.start({"peer", "--name", "stranger"});
  wait_for(stranger, "peer_ready");
  stranger.write("{\"topic\":\"jobs/s\",\"payload\":\"s\",\"id\":1}\n");
  wait_for(stranger, "sent");
  pair.start_reader();
  // Nobody else is given that.
  HandWritten other(pair.door());
  other.connect().write("SUBSCRIBE\nid:1\ndestination:jobs/#\nreceipt:s\n\n\0"s);
  CHECK(receipt_of(other.frame()) == "RECEIPT s");
  CHECK(Mails(pair.door()).hear_to("s") == "s");
  stranger.write("{\"topic\":\"jobs/s\",\"payload\":\"t\"}\n");
  CHECK(other.frame().body == "t");
}

TEST_CASE("a durable client is told exactly what is retained no longer") {
  Pair pair({"--payload-bytes", "1000", "--retain-bytes", "20000"});
  {
    Mails client(pair.door());
    pair.publish(1, 2);
    CHECK(client.hear_to("2") == "1 2");
    client.acknowledge();
    pair.publish(3, 3);
    CHECK(client.hear_to("3") == "3");
  }
  pair.end_reader(SIGKILL);
  pair.publish(4, 10);
  const std::string filler(900, 'x');
  for (int i = 0; i < 40; ++i) {
    pair.writer->write(R"({"topic":"other","payload":")" + filler + "\"}\n");
  }
  pair.publish(11, 12);
  pair.settle();
  pair.start_reader();
  {
    Mails client(pair.door());
    CHECK(client.hear_to("12") == "[undelivered] 11 12");
    CHECK(client.notice()["why"] == "expired");
    CHECK(client.notice()["name"] == "writer");
    // 3 is the sixth message, as each stands behind one of another topic; of that before it the
    // peer may have written down that it was for nobody.
    CHECK(client.notice()["first"] >= 5);
    CHECK(client.notice()["first"] <= 6);
    CHECK(client.notice()["last"] >= 20);
    CHECK(client.notice()["last"] < 61);
  }
  {
    Mails client(pair.door());
    CHECK(client.hear_to("12") == "[undelivered] 11r 12r");
    client.acknowledge();
  }
  pair.end_reader(SIGKILL);
  pair.start_reader();
  pair.meet();
  Mails client(pair.door());
  pair.publish(13, 13);
  CHECK(client.hear_to("13") == "13");
}

TEST_CASE("messages of clients of the same door that a killed peer still kept are told as lost") {
  Pair pair;
  { const Mails begun(pair.door()); }
  const auto send = [&](const std::string& body) {
    HandWritten client(pair.door());
    client.connect().write("SEND\ndestination:jobs/1\ndepends:none\nreceipt:r\n\n" + body + "\0"s);
    CHECK(receipt_of(client.frame()) == "RECEIPT r");
  };
  send("lost");
  pair.end_reader(SIGKILL);
  pair.start_reader();
  Mails client(pair.door());
  send("next");
  CHECK(client.hear_to("next") == "[undelivered] next");
  CHECK(client.notice()["why"] == "missing");
  CHECK(client.notice()["name"] == "reader");
  CHECK(client.notice()["first"] == 1);
  CHECK(client.notice()["last"] == 1);
  client.acknowledge();
}

TEST_CASE("a half-dead connection does not keep a durable client from coming back") {
  Pair pair;
  Mails older(pair.door());
  pair.publish(1, 2);
  CHECK(older.hear_to("2") == "1 2");
  Mails newer(pair.door());
  const auto error = older.client().frame();
  CHECK(error.command == "ERROR");
  CHECK(contains(error.body, "a newer connection has taken the durable subscription 'mails'"));
  CHECK(older.client().frame().command == "END");
  CHECK(newer.hear_to("2") == "1r 2r");
}

TEST_CASE("a durable subscription that was removed is gone after a restart, too") {
  Pair pair;
  Mails client(pair.door());
  client.client().write("UNSUBSCRIBE\nid:1\ndurable-subscription-name:mails\nreceipt:u\n\n\0"s);
  CHECK(receipt_of(client.client().frame()) == "RECEIPT u");
  pair.end_reader(SIGKILL);
  pair.publish(1, 1);
  pair.settle();
  pair.start_reader();
  pair.meet();
  Mails next(pair.door());
  pair.publish(2, 2);
  CHECK(next.hear_to("2") == "2");
}

TEST_CASE("a durable subscription needs a place on disk that can be understood") {
  const CommandMesh mesh;
  const auto path = (mesh.directory() / "door").string();
  const auto state = (mesh.directory() / "state").string();
  {
    auto peer = mesh.start({"peer", "--door", "unix:" + path});
    HandWritten client(path);
    client.connect().write(subscribe());
    const auto error = client.frame();
    CHECK(error.command == "ERROR");
    CHECK(contains(error.body, "start the peer with --state-file"));
  }
  const auto file = state + ".subscriptions";
  std::ofstream(file) << "something else\n";
  const auto ran = mesh.run({"peer", "--door", "unix:" + path, "--state-file", state});
  CHECK(ran.status == 1);
  CHECK(contains(ran.errors, "can't be understood: line 1 does not begin such a file"));
  CHECK(contains(ran.errors, "move the file away"));
  std::ifstream kept(file);
  std::string text;
  std::getline(kept, text);
  CHECK(text == "something else");
}
