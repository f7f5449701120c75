// The outbox at the STOMP door of a real peer that reads a standby: clients that go and come back,
// and peers that are killed.
#include <chrono>
#include <csignal>
#include <ctime>
#include <filesystem>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>
#include <sys/types.h>

#include "peer/servers/postgres/outbox_schema.hpp"
#include "support/eventually.hpp"
#include "tests/live/command_mesh.hpp"
#include "tests/live/outbox_peer.hpp"
#include "tests/live/stomp/hand_written.hpp"

using namespace std::chrono_literals;
using namespace std::string_literals;
using namespace tidegate;
using namespace tidegate::support;
using namespace tidegate::testing;

namespace {

using Site = OutboxPeer;

std::string subscribe(const std::string& more = "from:earliest\n",
                      const std::string& name = "mails", const std::string& id = "1") {
  return "SUBSCRIBE\nid:" + id + "\ndestination:jobs/#\nack:client-individual\noutbox:" + name +
         "\nreceipt:s\n" + more + "\n\0"s;
}

// A client that has subscribed to the outbox.
class Mails {
 public:
  explicit Mails(const std::string& path, const std::string& more = "from:earliest\n")
      : client_(path) {
    client_.connect().write(subscribe(more));
    CHECK(receipt_of(client_.frame()) == "RECEIPT s");
  }

  // The bodies of so many messages: "1 2 [outbox_lost]", of a notice its kind.
  std::string hear(std::size_t count) {
    std::string heard;
    while (count-- != 0) {
      last_ = client_.frame();
      REQUIRE_MESSAGE(last_.command == "MESSAGE", last_.body);
      const auto* notice = last_.find("notice");
      acks_.push_back(*last_.find("ack"));
      heard += (heard.empty() ? "" : " ") + (notice == nullptr ? last_.body : "[" + *notice + "]");
    }
    return heard;
  }
  // The message that was heard at that place, from 0.
  void acknowledge(std::size_t place) {
    client_.write("ACK\nid:" + acks_.at(place) + "\nreceipt:a\n\n\0"s);
    CHECK(receipt_of(client_.frame()) == "RECEIPT a");
  }
  void acknowledge_all() {
    for (std::size_t i = 0; i < acks_.size(); ++i) acknowledge(i);
  }
  // Nothing more is there for it by now.
  void check_quiet() {
    CHECK_FALSE(readable(client_.socket(), 600ms));
    client_.write("BEGIN\ntransaction:t\nreceipt:b\n\n\0ABORT\ntransaction:t\n\n\0"s);
    CHECK(receipt_of(client_.frame()) == "RECEIPT b");
  }

  [[nodiscard]] std::string last(std::string_view header) const {
    const auto* value = last_.find(header);
    return value == nullptr ? "" : *value;
  }
  [[nodiscard]] const std::string& body() const { return last_.body; }
  HandWritten& client() { return client_; }

 private:
  HandWritten client_;
  stomp::Frame last_;
  std::vector<std::string> acks_;
};

// The processor's time that it uses while nothing happens for a second.
Duration used_idly(pid_t process) {
  clockid_t clock{};
  timespec before{};
  timespec after{};
  REQUIRE(clock_getcpuclockid(process, &clock) == 0);
  REQUIRE(clock_gettime(clock, &before) == 0);
  std::this_thread::sleep_for(1s);
  REQUIRE(clock_gettime(clock, &after) == 0);
  return std::chrono::seconds(after.tv_sec - before.tv_sec) +
         std::chrono::nanoseconds(after.tv_nsec - before.tv_nsec);
}

// The answer to those frames, which is an ERROR.
std::string refused(const std::string& door, const std::string& frames) {
  HandWritten client(door);
  client.connect().write(frames);
  const auto frame = client.frame();
  CHECK(frame.command == "ERROR");
  return frame.body;
}

}  // namespace

TEST_CASE("a client of the outbox gets each row once, and after a kill what was not acknowledged") {
  Site site;
  site.announce(1, 5);
  std::string id;
  {
    Mails client(site.door());
    CHECK(client.hear(2) == "1 2");
    id = client.last("message-id");
    CHECK(client.last("destination") == "jobs/2");
    CHECK(client.last("publisher") == "outbox");
    CHECK(client.last("kind") == "k");
    CHECK(client.last("position") != "");
    CHECK(client.last("row-transaction") != "");
    CHECK(client.last("announced-us").size() == 16);
    CHECK(id.ends_with("-" + client.last("announced-us") + "-" + client.last("sequence")));
    CHECK(client.hear(3) == "3 4 5");
    client.acknowledge(0);
    client.acknowledge(3);
    // It ends without a word.
  }
  site.announce(6, 7);
  {
    Mails client(site.door());
    CHECK(client.hear(1) == "2");
    CHECK(client.last("message-id") == id);
    CHECK(client.hear(4) == "3 5 6 7");
    client.acknowledge(1);
    site.kill();
  }
  site.announce(8, 8);
  site.start();
  {
    Mails client(site.door());
    CHECK(client.hear(5) == "2 5 6 7 8");
    client.acknowledge_all();
    site.kill();
  }
  site.start();
  Mails client(site.door());
  site.announce(9, 9);
  CHECK(client.hear(1) == "9");
  client.check_quiet();
}

TEST_CASE("a new name of the outbox begins behind its receipt, and hints make it fast") {
  Site site;
  site.announce(1, 3);
  HandWritten other(site.door());
  other.connect().write("SUBSCRIBE\nid:h\ndestination:#\nreceipt:h\n\n\0"s);
  CHECK(receipt_of(other.frame()) == "RECEIPT h");
  Mails client(site.door(), "");
  site.announce(4, 4);
  other.write("SEND\ndestination:tidegate/outbox\nreceipt:r\n\n\0"s);
  CHECK(client.hear(1) == "4");
  // A hint is a message to those who want all.
  auto frame = other.frame();
  if (frame.command == "RECEIPT") frame = other.frame();
  CHECK(*frame.find("destination") == "tidegate/outbox");
  client.check_quiet();
  other.write("UNSUBSCRIBE\nid:h\n\n\0"s);
  // Without them each would take a poll, as the last reading was a moment ago.
  int fast = 0;
  for (int i = 5; fast < 4 && i < 60; ++i) {
    site.announce(i, i);
    const auto before = std::chrono::steady_clock::now();
    other.write("SEND\ndestination:tidegate/outbox\n\n\0"s);
    CHECK(client.hear(1) == std::to_string(i));
    fast = std::chrono::steady_clock::now() - before < 90ms ? fast + 1 : 0;
  }
  CHECK(fast == 4);
}

TEST_CASE("a newer connection takes a subscription to the outbox over with all that is open") {
  Site site;
  site.announce(1, 3);
  Mails older(site.door());
  CHECK(older.hear(3) == "1 2 3");
  older.acknowledge(1);
  Mails newer(site.door());
  const auto error = older.client().frame();
  CHECK(error.command == "ERROR");
  CHECK(contains(error.body, "a newer connection has taken the subscription 'mails'"));
  CHECK(older.client().frame().command == "END");
  CHECK(newer.hear(2) == "1 3");
  newer.acknowledge_all();
  site.announce(4, 4);
  CHECK(newer.hear(1) == "4");
}

TEST_CASE("UNSUBSCRIBE leaves the name of a subscription to the outbox, with outbox it is gone") {
  Site site;
  site.announce(1, 3);
  Mails client(site.door());
  CHECK(client.hear(3) == "1 2 3");
  client.acknowledge(0);
  client.client().write("UNSUBSCRIBE\nid:1\nreceipt:u\n\n\0"s + subscribe());
  CHECK(receipt_of(client.client().frame()) == "RECEIPT u");
  CHECK(receipt_of(client.client().frame()) == "RECEIPT s");
  CHECK(client.hear(2) == "2 3");
  const auto cursor = site.state() + ".outbox.mails";
  CHECK(std::filesystem::exists(cursor));
  HandWritten other(site.door());
  other.connect().write("UNSUBSCRIBE\noutbox:mails\nreceipt:u\n\n\0"s);
  CHECK(receipt_of(other.frame()) == "RECEIPT u");
  CHECK(contains(client.client().frame().body, "another connection has removed"));
  for (const auto* ending : {"", ".lock", ".new"}) {
    CHECK_FALSE(std::filesystem::exists(cursor + ending));
  }
  CHECK(contains(refused(site.door(), "UNSUBSCRIBE\noutbox:mails\n\n\0"s), "there is no"));
  Mails again(site.door());
  CHECK(again.hear(3) == "1 2 3");
}

TEST_CASE("a client of the outbox that takes nothing is not cut, and gets all once it does") {
  Site site;
  constexpr int count = 100;
  site.announce_large(count, 1'000'000);  // more than any client may keep waiting
  HandWritten slow(site.door());
  slow.connect().write(subscribe("from:earliest\nprefetch-count:3\n"));
  CHECK(receipt_of(slow.frame()) == "RECEIPT s");
  std::vector<std::string> acks;
  acks.reserve(count);
  for (int i = 0; i < 3; ++i) acks.push_back(*slow.frame().find("ack"));
  CHECK_FALSE(readable(slow.socket(), 500ms));
  CHECK(used_idly(site.peer->pid()) < 300ms);
  for (int i = 3; i < count; ++i) {
    slow.write("ACK\nid:" + acks[static_cast<std::size_t>(i - 3)] + "\n\n\0"s);
    const auto frame = slow.frame();
    REQUIRE(frame.command == "MESSAGE");
    acks.push_back(*frame.find("ack"));
  }
  CHECK(used_idly(site.peer->pid()) < 300ms);
  // The same without a bound of its own, read late.
  HandWritten late(site.door());
  late.connect().write(subscribe("from:earliest\n", "late"));
  CHECK_FALSE(eventually(500ms, [] { return false; }));
  CHECK(receipt_of(late.frame()) == "RECEIPT s");
  for (int i = 0; i < 60; ++i) {
    const auto frame = late.frame();
    REQUIRE(frame.command == "MESSAGE");
    late.write("ACK\nid:" + *frame.find("ack") + "\n\n\0"s);
  }
}

TEST_CASE("rows that were removed unread are told to a client of the outbox until it knows") {
  Site site;
  { const Mails begun(site.door()); }
  site.announce(1, 2);
  site.primary.execute("SELECT tidegate.remove_announced('0', NULL, 100)");
  site.announce(3, 3);
  REQUIRE(eventually(20s, [&] {
    return site.standby.value("SELECT string_agg(topic, ' ' ORDER BY id) FROM tidegate.outbox") ==
           "other jobs/3";
  }));
  std::string id;
  {
    Mails client(site.door());
    CHECK(client.hear(1) == "[outbox_lost]");
    id = client.last("message-id");
    CHECK(client.last("destination") == "/tidegate/notices");
    CHECK(json::parse(client.body())["why"] == "removed");
    CHECK(client.hear(1) == "3");
    client.acknowledge(1);
  }
  {
    Mails client(site.door());
    CHECK(client.hear(1) == "[outbox_lost]");
    CHECK(client.last("message-id") == id);
    client.acknowledge(0);
    client.check_quiet();
  }
  Mails client(site.door());
  client.check_quiet();
}

TEST_CASE("a client of the outbox is told of announcements that a failover has undone") {
  Site site;
  site.kill();
  site.start_on(site.primary, site.primary);
  site.announce(1, 1);
  const auto lsn = site.primary.value("SELECT pg_current_wal_insert_lsn()");
  REQUIRE(eventually(20s, [&] {
    return site.standby.value("SELECT pg_last_wal_replay_lsn() >= '" + lsn + "'") == "t";
  }));
  site.standby.stop();
  site.announce(2, 2);
  {
    Mails client(site.door());
    CHECK(client.hear(2) == "1 2");
    client.acknowledge_all();
  }
  site.kill();
  site.primary.crash();
  site.standby.start();
  site.standby.promote();
  site.standby.execute("SELECT tidegate.announce('jobs/3', '3')");
  site.start_on(site.standby, site.standby);
  Mails client(site.door());
  CHECK(client.hear(1) == "[outbox_lost]");
  CHECK(json::parse(client.body())["why"] == "undone");
  auto heard = client.hear(1);
  if (heard == "1") heard = client.hear(1);  // it may come again: that is told
  CHECK(heard == "3");
  client.acknowledge_all();
  client.check_quiet();
}

TEST_CASE("a peer without a database, and one without a state file, say what they need") {
  Site site;
  for (const auto& given : {Arguments{"--state-file", site.state() + "2"},
                            Arguments{"--database", site.standby.connection_string()}}) {
    Arguments arguments{"peer", "--door", "unix:" + site.door() + "2"};
    arguments.insert(arguments.end(), given.begin(), given.end());
    auto peer = site.mesh.start(arguments);
    CHECK(contains(refused(site.door() + "2", subscribe()), "with --database and --state-file"));
    peer.send(SIGTERM);
    (void)ended(peer);
  }
}

TEST_CASE("a door has a bound for open subscriptions to the outbox, and one for their names") {
  Site site;
  HandWritten many(site.door());
  many.connect();
  for (int i = 0; i < 64; ++i) {
    const auto name = std::to_string(i);
    many.write(subscribe("", name, name));
    CHECK(receipt_of(many.frame()) == "RECEIPT s");
    if (i == 15) {
      CHECK(contains(refused(site.door(), subscribe("", "one-more")), "there are 16 open"));
    }
    if (i >= 15) many.write("UNSUBSCRIBE\nid:" + name + "\n\n\0"s);
  }
  CHECK(contains(refused(site.door(), subscribe("", "one-more")), "there are 64 names"));
  many.write(subscribe("", "63", "63"));
  CHECK(receipt_of(many.frame()) == "RECEIPT s");
}

TEST_CASE("a peer whose server has no outbox, or is down, gives no receipt and says why") {
  Site site;
  site.primary.execute("DROP SCHEMA tidegate CASCADE");
  HandWritten client(site.door());
  client.connect().write(subscribe());
  CHECK(contains(wait_for_log(*site.peer, "'mails'"), "subscription"));
  CHECK_FALSE(readable(client.socket(), 300ms));
  site.primary.execute(postgres::outbox_schema({}));
  site.announce(1, 1);
  auto frame = client.frame();
  CHECK(receipt_of(frame) == "RECEIPT s");
  CHECK(client.frame().body == "1");
}
