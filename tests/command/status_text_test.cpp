// `tidegate status` and `tidegate peers`, as an operator reads them.
#include "command/status_text.hpp"

#include <doctest/doctest.h>

#include "tests/support/contains.hpp"

using namespace tidegate;
using namespace tidegate::command;
using std::chrono::seconds;
using tidegate::testing::contains;

namespace {

PeerStatus peer(const std::string& name, PeerState state, std::uint16_t port) {
  PeerStatus status;
  status.name = name;
  status.host = "10.0.0.1";
  status.direct_port = port;
  status.state = state;
  return status;
}

// A peer that watches a replica.
Status watching() {
  Status status;
  status.name = "app-1";
  status.gated = true;
  status.tide = Tide{{7, 1}, History::of({{1, 0, 0}, {2, 50, 1}}).value(), 100};
  status.database.asked = true;
  status.database.up = true;
  status.database.description = "standby replica 5432, PostgreSQL 15.4";
  status.primary.asked = true;
  status.peers = {peer("left-1", PeerState::left, 1), peer("b", PeerState::ready, 4),
                  peer("gone-1", PeerState::gone, 2), peer("a", PeerState::suspect, 3)};
  return status;
}

}  // namespace

TEST_CASE("the status names each server with its role and timeline, and why it is down") {
  auto status = watching();
  CHECK(
      contains(status_text(status), "database  standby replica 5432, PostgreSQL 15.4; timeline 2"));
  CHECK(contains(status_text(status), "primary   not reached yet"));
  status.database.primary = true;
  CHECK(contains(status_text(status), "database  primary now; standby replica"));
  status.database.up = status.database.primary = false;
  status.tide.reset();
  status.database.reason = "connection refused";
  status.database.since = seconds(90);
  CHECK(contains(status_text(status), "has not answered for 1 min 30 s: connection refused"));
}

TEST_CASE("the status tells at which step a peer stands, and for how long a seed has been dead") {
  auto status = watching();
  status.peers.front() = peer("c", PeerState::hello, 5);
  status.peers.front().lacks = Handshake::subscription;
  CHECK(contains(others_text(status, false), "hello, no subscription"));
  status.seeds = {{.seed = "app-8:1", .addresses = {"10.0.0.8:1"}, .answered = 1},
                  {.seed = "apps:1", .addresses = {"10.0.0.3:1", "10.0.0.4:1"}, .answered = 1},
                  {.seed = "app-9:1", .unanswered = seconds(40), .reason = "not known"}};
  const auto text = status_text(status);
  CHECK(contains(text, "seed      app-8:1: has answered"));
  CHECK(contains(text, "seed      apps:1: 1 of 2 have answered"));
  CHECK(contains(text, "seed      app-9:1: no answer for 40.0 s: not known"));
}

TEST_CASE("the clients of a door are shown where there is one") {
  CHECK_FALSE(contains(status_text(watching()), "door "));
  const stomp_door::DoorCounters door{.clients = 2, .connected = 5, .slow = 1};
  CHECK(contains(status_text(watching(), true, door),
                 "  door      clients 2, connected 5, cut slow 1\n"));
}

TEST_CASE("lag is measured in time") {
  auto status = watching();
  CHECK(contains(status_text(status), "lag       none"));
  status.held = 1;
  status.held_longest = seconds(40);
  CHECK(contains(status_text(status), "lag       40.0 s since the oldest change"));
}

TEST_CASE("a trouble stands at the head of the status, with how long it has lasted") {
  auto status = watching();
  status.troubles.push_back(
      {Trouble::Kind::replay_still, "", "nothing is replayed", seconds(1800)});
  CHECK(contains(status_text(status), "trouble   for 30 min 0 s: nothing is replayed"));
}

TEST_CASE("living peers come first, and those that have left are one count") {
  auto status = watching();
  sort_peers(status);
  std::vector<std::string> names;
  for (const auto& one : status.peers) names.push_back(one.name);
  CHECK(names == std::vector<std::string>{"a", "b", "gone-1", "left-1"});
  CHECK(contains(others_text(status, false), "2 more peers have left; --all shows them"));
  CHECK_FALSE(others_text(status, false).find("gone-1") != std::string::npos);
  CHECK(contains(others_text(status, true), "gone-1"));
}

TEST_CASE("a screen gets what fits it, and how much more there is") {
  CHECK(fitted("abc\nde\n", 2, 5) == "ab\nde\n");
  CHECK(fitted("a\nb\nc\n", 9, 3) == "a\nb\nc\n");
  CHECK(fitted("a\nb\nc\nd\n", 9, 3) == "a\nb\n... 2 lines more");
  CHECK(fitted("\xc3\xa4\xc3\xa4x\n", 2, 3) == "\xc3\xa4\xc3\xa4\n");
}

TEST_CASE("long text is broken at blanks, and stays behind its head") {
  CHECK(wrapped("aaaaa bbbbb ccccc ddddd eeeee", 24, 2) == "aaaaa bbbbb ccccc\n  ddddd eeeee");
  CHECK(wrapped("aaaaa bbbbb", 0, 2) == "aaaaa bbbbb");
  CHECK(wrapped("aaaaa bbbbb", 10, 8) == "aaaaa bbbbb");
  CHECK(wrapped("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa b", 24, 2) ==
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n  b");
}

TEST_CASE("the status names the keys, and how many members use another one") {
  auto status = watching();
  CHECK(contains(status_text(status), "key       none: who reaches these ports can join"));
  status.keys = {"11", "22"};
  CHECK(contains(status_text(status), "key       11 is used, accepted too: 22\n"));
  for (auto& other : status.peers) other.key = other.state == PeerState::ready ? "11" : "22";
  CHECK(contains(status_text(status), "accepted too: 22; 1 of 2 other peers uses another one\n"));
  CHECK(key_words({"11", "22", "33"}) == "11 is used, accepted too: 22, 33");
  CHECK(key_words({"11"}) == "11 is used");
}
