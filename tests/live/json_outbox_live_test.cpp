// The outbox for the program that writes the lines of a real peer, which reads a standby: it
// subscribes, takes, goes and comes back, and its peer is killed.
#include <algorithm>
#include <chrono>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include <doctest/doctest.h>

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

// The writer and reader of the lines of a peer.
class Program {
 public:
  explicit Program(Process& peer) : peer_(peer) {}

  // One about the subscription "mails".
  void write(const json& line) {
    json whole = {{"outbox", "mails"}};
    whole.update(line);
    peer_.write(whole.dump() + "\n");
  }
  json subscribe(const std::string& from = "earliest") {
    write({{"subscribe", "jobs/#"}, {"from", from}});
    return next([](const json& line) { return line["type"] == "subscribed"; });
  }
  // So many deliveries and losses: "1 2 [removed]", of a loss why.
  std::string hear(std::size_t count) {
    std::string heard;
    while (count-- != 0) {
      last_ = next([](const json& line) {
        REQUIRE_MESSAGE(line["type"] != "error", line.dump());
        return line.contains("outbox") && (line.contains("row") || line.contains("ticket"));
      });
      const bool row = last_.contains("row");
      tickets_.push_back(row ? last_["row"]["ticket"] : last_["ticket"]);
      heard += (heard.empty() ? "" : " ") + (row ? last_["payload"].get<std::string>()
                                                 : "[" + last_["why"].get<std::string>() + "]");
    }
    return heard;
  }
  // The one that was heard at that place, from 0.
  void take(std::size_t place) {
    const json id = "take " + std::to_string(place);
    write({{"taken", tickets_.at(place)}, {"id", id}});
    const auto answer = next([&](const json& line) { return line.value("id", json()) == id; });
    CHECK(
        answer ==
        json({{"type", "taken"}, {"ticket", tickets_.at(place)}, {"outbox", "mails"}, {"id", id}}));
  }
  void take_all() {
    for (std::size_t i = 0; i < tickets_.size(); ++i) take(i);
  }
  // The line that answers this one.
  json answer(json line) {
    line["id"] = "asked";
    write(line);
    return next([](const json& one) { return one.value("id", json()) == "asked"; });
  }
  // Nothing more is there for it by now.
  void check_quiet() {
    while (readable(peer_.output(), 600ms)) later_.push_back(json::parse(*peer_.read_line(1s)));
    for (const auto& line : later_) CHECK_MESSAGE(!line.contains("outbox"), line.dump());
  }

  [[nodiscard]] const json& last() const { return last_; }
  [[nodiscard]] const json& ticket(std::size_t place) const { return tickets_.at(place); }

 private:
  // The next line that is wanted; the others are for later.
  json next(const std::function<bool(const json&)>& wanted) {
    const auto found = std::find_if(later_.begin(), later_.end(), wanted);
    if (found != later_.end()) {
      auto line = *found;
      later_.erase(found);
      return line;
    }
    return wait_for(peer_, [&](const json& line) {
      if (wanted(line)) return true;
      later_.push_back(line);
      return false;
    });
  }

  Process& peer_;
  std::vector<json> later_;
  json last_;
  std::vector<json> tickets_;
};

}  // namespace

TEST_CASE("lines of the outbox come once each, and after a kill those that were not taken") {
  Site site;
  site.announce(1, 5);
  {
    Program program(*site.peer);
    CHECK(program.subscribe() ==
          json({{"type", "subscribed"}, {"pattern", "jobs/#"}, {"outbox", "mails"}}));
    CHECK(program.hear(2) == "1 2");
    CHECK(program.last()["topic"] == json({"jobs", "2"}));
    CHECK(program.last()["name"] == "outbox");
    CHECK(program.last()["headers"] == json({{"kind", "k"}}));
    CHECK(program.last()["token"].is_string());
    program.take(0);
    CHECK(program.hear(3) == "3 4 5");
    program.take(3);
    site.kill();
  }
  site.announce(6, 7);
  site.start();
  {
    Program program(*site.peer);
    program.subscribe();
    CHECK(program.hear(3) == "2 3 5");
    program.take(1);
    CHECK(program.hear(2) == "6 7");
    // Nothing waits for an answer: all that was written before the end counts.
    for (const std::size_t place : {0U, 2U}) program.write({{"taken", program.ticket(place)}});
    site.peer->close_input();
    CHECK(ended(*site.peer) == 0);
  }
  site.start();
  Program program(*site.peer);
  program.subscribe();
  CHECK(program.hear(2) == "6 7");
  program.take_all();
  site.announce(8, 8);
  CHECK(program.hear(1) == "8");
  program.check_quiet();
}

TEST_CASE("a line that unsubscribes leaves the name with all that is open, and forget removes it") {
  Site site;
  site.announce(1, 3);
  Program program(*site.peer);
  program.subscribe();
  CHECK(program.hear(3) == "1 2 3");
  program.take(1);
  CHECK(program.answer({{"unsubscribe", "jobs/#"}})["type"] == "unsubscribed");
  CHECK(contains(program.answer({{"taken", 1}})["message"].get<std::string>(), "no open"));
  site.announce(4, 4);
  program.check_quiet();
  program.subscribe("latest");  // which is for new names
  CHECK(program.hear(3) == "1 3 4");
  // Work that was begun before takes nothing of this one.
  for (const std::size_t place : {0U, 1U, 2U}) {
    const auto late = program.answer({{"taken", program.ticket(place)}});
    CHECK(contains(late.value("message", ""), "waits to be taken"));
  }
  const auto cursor = site.state() + ".outbox.mails";
  CHECK(std::filesystem::exists(cursor));
  CHECK(program.answer({{"forget", true}})["type"] == "forgotten");
  for (const auto* ending : {"", ".lock", ".new"}) {
    CHECK_FALSE(std::filesystem::exists(cursor + ending));
  }
  CHECK(contains(program.answer({{"forget", true}})["message"].get<std::string>(), "there is no"));
  program.subscribe("latest");
  site.announce(5, 5);
  CHECK(program.hear(1) == "5");
}

TEST_CASE("a line about the outbox that can't be obeyed is answered with what to do") {
  Site site;
  site.announce(1, 1);
  Program program(*site.peer);
  const auto refused = [&](const json& line) {
    const auto answer = program.answer(line);
    CHECK(answer["type"] == "error");
    return answer["message"].get<std::string>();
  };
  CHECK(contains(refused({{"taken", 1}}), "there is no open subscription 'mails'"));
  CHECK(contains(refused({{"unsubscribe", "jobs/#"}}), "there is no open subscription 'mails'"));
  program.subscribe();
  CHECK(program.hear(1) == "1");
  CHECK(contains(refused({{"subscribe", "other"}}), "subscribed to 'jobs/#' already"));
  CHECK(contains(refused({{"unsubscribe", "other"}}), "'jobs/#'; name that"));
  CHECK(contains(refused({{"taken", 7}}), "no line of 'mails' with the ticket 7"));
  program.take(0);
  CHECK(contains(refused({{"taken", program.last()["row"]["ticket"]}}), "waits to be taken"));

  auto bare = site.mesh.start({"peer", "--name", "bare", "--no-subscribe"});
  CHECK(contains(Program(bare).answer({{"subscribe", "#"}})["message"].get<std::string>(),
                 "with --database and --state-file"));
}

TEST_CASE("rows that were removed unread are told in lines until that is taken") {
  Site site;
  {
    Program program(*site.peer);
    program.subscribe();
  }
  REQUIRE(eventually(20s, [&] { return std::filesystem::exists(site.state() + ".outbox.mails"); }));
  Program program(*site.peer);
  program.answer({{"unsubscribe", "jobs/#"}});
  site.announce(1, 2);
  site.primary.execute("SELECT tidegate.remove_announced('0', NULL, 100)");
  site.announce(3, 3);
  REQUIRE(eventually(20s, [&] {
    return site.standby.value("SELECT string_agg(topic, ' ' ORDER BY id) FROM tidegate.outbox") ==
           "other jobs/3";
  }));
  program.subscribe();
  CHECK(program.hear(2) == "[removed] 3");
  program.take(1);
  program.answer({{"unsubscribe", "jobs/#"}});
  program.subscribe();
  CHECK(program.hear(1) == "[removed]");
  CHECK(program.last()["type"] == "outbox_lost");
  program.take(2);
  program.answer({{"unsubscribe", "jobs/#"}});
  program.subscribe();
  program.check_quiet();
}

TEST_CASE("a reader of lines that is slow leaves rows in the database, and keeps nobody waiting") {
  Site site;
  constexpr int count = 100;
  site.announce_large(count, 1'000'000);  // far more than the output keeps
  Program program(*site.peer);
  program.write({{"subscribe", "jobs/#"}, {"from", "earliest"}});
  // Nothing is read; a client of STOMP is served all the while, with rows and messages.
  REQUIRE(readable(site.peer->output(), 20s));
  HandWritten other(site.door());
  other.connect().write(
      "SUBSCRIBE\nid:1\ndestination:jobs/#\nack:client-individual\noutbox:others\n"
      "from:earliest\nprefetch-count:1\nreceipt:s\n\n\0"s);
  CHECK(receipt_of(other.frame()) == "RECEIPT s");
  CHECK(other.frame().command == "MESSAGE");
  other.write("SUBSCRIBE\nid:2\ndestination:plain\n\n\0SEND\ndestination:plain\n\nx\0"s);
  CHECK(other.frame().body == "x");
  wait_for(*site.peer, "subscribed");
  for (int i = 0; i < count; ++i) {
    (void)program.hear(1);
    program.write({{"taken", program.last()["row"]["ticket"]}});
  }
}

TEST_CASE(
    "a client of STOMP and the lines take a subscription to the outbox over from each other") {
  Site site;
  site.announce(1, 2);
  Program program(*site.peer);
  program.subscribe();
  CHECK(program.hear(2) == "1 2");
  program.take(0);
  HandWritten client(site.door());
  client.connect().write(
      "SUBSCRIBE\nid:1\ndestination:jobs/#\nack:client\noutbox:mails\nreceipt:s\n\n\0"s);
  CHECK(receipt_of(client.frame()) == "RECEIPT s");
  CHECK(client.frame().body == "2");
  const auto lost = wait_for(*site.peer, "unsubscribed");
  CHECK(lost["outbox"] == "mails");
  CHECK(contains(lost["reason"].get<std::string>(), "a newer connection has taken"));
  program.subscribe();
  CHECK(contains(client.frame().body, "a newer connection has taken the subscription 'mails'"));
  CHECK(program.hear(1) == "2");
}
