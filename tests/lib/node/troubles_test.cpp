// Each trouble of a peer is told once when it begins and once when it has ended.
#include "lib/node/troubles.hpp"

#include <doctest/doctest.h>

#include "tests/lib/samples.hpp"
#include "tests/support/contains.hpp"

using namespace tidegate;
using std::chrono::minutes;
using std::chrono::seconds;
using Kind = Trouble::Kind;
using tidegate::testing::contains;

namespace {

// A peer that is looked at each second.
struct Watched {
  Watched() {
    status.name = "app-1";
    status.gated = true;
    status.database.asked = status.database.up = true;
    status.primary.asked = status.primary.up = true;
    status.tide = Tide{{7, 1}, History::of({{1, 0, 0}}).value(), 100};
    status.tide_still = minutes(60);  // nothing is held, so nobody has asked
  }

  // The changes of so many looks.
  std::vector<Trouble> pass(Duration time, Duration step = seconds(1)) {
    std::vector<Trouble> changes;
    for (Duration passed{}; passed < time; passed += step) {
      now += step;
      if (!status.database.up) status.database.since += step;
      if (!status.primary.up) status.primary.since += step;
      if (!status.taking) status.untaken += step;
      if (status.held > 0) {
        status.held_longest += step;
        status.tide_still += step;
      }
      status.up += step;
      for (auto& peer : status.peers) {
        if (peer.state == PeerState::suspect || peer.state == PeerState::gone) peer.silent += step;
        if (peer.unready > Duration::zero()) peer.unready += step;
      }
      for (auto& seed : status.seeds) {
        if (seed.answered == 0) seed.unanswered += step;
      }
      troubles.look(status, now, changes);
    }
    return changes;
  }

  // Exactly one trouble begins within that time.
  Trouble begins(Duration time) {
    const auto changes = pass(time);
    REQUIRE(changes.size() == 1);
    CHECK_FALSE(changes.front().ended);
    CHECK(troubles.present(now).size() == 1);
    return changes.front();
  }

  // It ends with the next look, and so long it has lasted.
  Duration ends(Duration time = seconds(1)) {
    const auto changes = pass(time);
    REQUIRE(changes.size() == 1);
    CHECK(changes.front().ended);
    CHECK(troubles.present(now).empty());
    return changes.front().lasted;
  }

  void add(const std::string& name, std::uint16_t port, PeerState state = PeerState::ready) {
    PeerStatus peer;
    peer.name = name;
    peer.host = "10.0.0.2";
    peer.direct_port = port;
    peer.state = state;
    status.peers.push_back(peer);
  }

  // A peer on a network, of which nobody else is known.
  void on_network() {
    status.mesh = "prod";
    status.interfaces = {"eth0", "eth1"};
    status.beacon_port = 17880;
    status.publish_port = 17902;
    status.direct_port = 17903;
  }

  // A peer that is named by its beacon.
  PeerStatus& add_heard(Handshake lacks, PeerState state = PeerState::heard) {
    on_network();
    if (status.peers.empty()) add("app-2", 17800);
    add(state == PeerState::heard ? "" : "app-3", 17901, state);
    auto& peer = status.peers.back();
    peer.publish_port = 17900;
    peer.lacks = lacks;
    peer.unready = seconds(1);
    return peer;
  }

  Status status;
  node::Troubles troubles;
  Instant now = Instant::min() + minutes(1);
};

}  // namespace

TEST_CASE("a peer that is well has no trouble") {
  Watched peer;
  peer.add("app-2", 17901);
  CHECK(peer.pass(minutes(60)).empty());
}

TEST_CASE("a replica that stands still for half an hour while messages wait is told twice") {
  Watched peer;
  peer.status.held = 49;
  peer.status.tide_still = Duration::zero();
  const auto trouble = peer.begins(minutes(30));
  CHECK(trouble.kind == Kind::replay_still);
  CHECK(contains(trouble.text, "49 messages wait"));
  peer.status.held = 0;
  peer.status.held_longest = Duration::zero();
  CHECK(peer.ends() == minutes(30) + seconds(1));
}

TEST_CASE("a message that waits for long on a replica that moves is a replica that is behind") {
  Watched peer;
  peer.status.held = 1;
  std::vector<Trouble> changes;
  for (int i = 0; i < 60; ++i) {
    peer.status.tide_still = Duration::zero();
    for (auto& change : peer.pass(seconds(1))) changes.push_back(change);
  }
  REQUIRE(changes.size() == 1);
  CHECK(changes.front().kind == Kind::replay_behind);
}

TEST_CASE("a message that waits for a place where no server comes names who has published it") {
  Watched peer;
  peer.add("app-2", 17901);
  peer.status.peers.back().held = 1;
  peer.status.held = 1;
  peer.status.held_first = testing::place(1, std::uint64_t{1} << 60U);
  const auto trouble = peer.begins(seconds(3));
  CHECK(trouble.kind == Kind::position_far);
  CHECK(contains(trouble.text, "app-2"));
  peer.status.held = 0;
  peer.status.held_first.reset();
  peer.status.held_longest = Duration::zero();
  CHECK(peer.ends() > Duration::zero());
}

TEST_CASE("the alternating reasons of one outage are one trouble with the newest reason") {
  Watched peer;
  peer.status.database.up = false;
  peer.status.tide.reset();
  peer.status.database.reason = "refused";
  CHECK(contains(peer.begins(seconds(1)).text, "refused"));
  for (int i = 0; i < 100; ++i) {
    peer.status.database.reason = i % 2 == 0 ? "timeout" : "starting up";
    CHECK(peer.pass(seconds(1)).empty());
  }
  CHECK(contains(peer.troubles.present(peer.now).front().text, "starting up"));
  peer.status.database.up = true;
  peer.status.database.reason.clear();
  CHECK(peer.ends() == seconds(102));
}

TEST_CASE("a primary that is down, and a position that does not come, are told apart") {
  Watched peer;
  peer.status.unsent = 1;
  CHECK(peer.begins(seconds(10)).kind == Kind::position_missing);
  peer.status.last_sequence = 1;  // it was sent, and another waits
  CHECK(peer.ends() >= seconds(9));
  peer.status.unsent = 0;
  peer.status.primary.up = false;
  peer.status.primary.reason = "refused";
  CHECK(peer.begins(seconds(10)).kind == Kind::primary_down);
  peer.status.unsent = 1;
  CHECK(peer.pass(seconds(10)).empty());
}

TEST_CASE("an application that takes nothing is named, and its replica is not blamed") {
  Watched peer;
  peer.status.held = 3;
  peer.status.taking = false;
  CHECK(peer.begins(minutes(1)).kind == Kind::not_taking);
  peer.status.taking = true;
  peer.status.held = 0;
  CHECK(peer.ends() >= minutes(1));
}

TEST_CASE("silent and trailing peers are named with their address") {
  Watched peer;
  peer.add("app-2", 17901, PeerState::suspect);
  const auto silent = peer.begins(seconds(5));
  CHECK(silent.kind == Kind::peer_silent);
  CHECK(silent.about == "app-2 (10.0.0.2:17901)");
  peer.status.peers.front().state = PeerState::ready;
  CHECK(peer.ends() >= seconds(5));
  peer.status.peers.front().slow = true;
  peer.status.peers.front().lag = 12;
  const auto slow = peer.begins(seconds(5));
  CHECK(slow.kind == Kind::peer_slow);
  CHECK(contains(slow.text, "12 messages behind"));
}

TEST_CASE("two living peers of one name are named, also when one is this peer") {
  Watched peer;
  peer.add("app-2", 1);
  peer.add("app-2", 2, PeerState::gone);
  CHECK(peer.pass(seconds(5)).empty());
  peer.add("app-2", 3);
  const auto others = peer.begins(seconds(5));
  CHECK(others.kind == Kind::same_name);
  CHECK(contains(others.text, "app-2 (10.0.0.2:3) and app-2 (10.0.0.2:1)"));
  peer.status.peers.pop_back();
  CHECK(peer.ends() >= seconds(5));
  peer.add("app-1", 4);
  CHECK(contains(peer.begins(seconds(5)).text, "app-1 (10.0.0.2:4) and this peer"));
}

TEST_CASE("what is seen in counters ends when nothing more is counted for a while") {
  Watched peer;
  peer.status.counters.malformed = 1;
  CHECK(peer.begins(seconds(5)).kind == Kind::malformed);
  ++peer.status.counters.malformed;
  CHECK(peer.pass(seconds(9)).empty());
  CHECK(peer.ends(seconds(5)) >= seconds(14));
  peer.status.counters.refused_full = 7;
  CHECK(peer.begins(seconds(5)).kind == Kind::held_full);
}

TEST_CASE("queues of slow readers are named") {
  Watched peer;
  peer.status.outgoing_bytes = std::size_t{100} << 20U;
  const auto trouble = peer.begins(seconds(5));
  CHECK(trouble.kind == Kind::readers_slow);
  CHECK(contains(trouble.text, "100 MiB wait for readers that don't take them"));
}

// --- half a network -----------------------------------------------------------------------------

TEST_CASE("a peer of which only the beacon comes is named, with its ports") {
  Watched peer;
  peer.add_heard(Handshake::answer);
  CHECK(peer.pass(seconds(8)).empty());
  const auto trouble = peer.begins(seconds(2));
  CHECK(trouble.kind == Kind::peer_unmet);
  CHECK(trouble.about == "10.0.0.2:17901");
  CHECK(contains(trouble.text, "heard by its beacon (UDP), but does not answer"));
  CHECK(contains(trouble.text, "TCP to ports 17900 and 17901 of 10.0.0.2"));
  // The attempts end and begin anew; that is one trouble.
  auto& heard = peer.status.peers.back();
  heard.state = PeerState::gone;
  heard.silent = seconds(6);
  CHECK(peer.pass(seconds(5)).empty());
  heard.state = PeerState::heard;
  CHECK(peer.pass(seconds(5)).empty());
  heard.state = PeerState::ready;
  heard.unready = Duration::zero();
  CHECK(peer.ends() >= seconds(20));
}

TEST_CASE("a peer of another version of the protocol is a trouble, though it is gone at once") {
  Watched peer;
  auto& other = peer.add_heard(Handshake::answer, PeerState::gone);
  other.name.clear();
  other.refusal = "this peer speaks protocol version 3, not 2; upgrade the older one";
  CHECK(peer.pass(seconds(8)).empty());
  const auto trouble = peer.begins(seconds(2));
  CHECK(trouble.kind == Kind::peer_unmet);
  CHECK(trouble.text ==
        "10.0.0.2:17901 refuses this peer, and says: this peer speaks protocol version 3, not 2; "
        "upgrade the older one");
  // It has ended, and its beacons with it.
  peer.ends(minutes(1));
}

TEST_CASE("a peer that was heard once and is gone is no trouble") {
  Watched peer;
  peer.add_heard(Handshake::answer);
  CHECK(peer.pass(seconds(6)).empty());
  peer.status.peers.back().state = PeerState::gone;
  CHECK(peer.pass(minutes(5)).empty());
}

TEST_CASE("a peer that stays gone is no longer a peer that was not met") {
  Watched peer;
  auto& heard = peer.add_heard(Handshake::answer);
  peer.begins(seconds(15));
  heard.state = PeerState::gone;
  CHECK(peer.ends(minutes(1)) >= seconds(30));
}

TEST_CASE("the step at which two peers stand tells which ports to look at") {
  const auto text = [](Handshake lacks) {
    Watched peer;
    peer.add_heard(lacks, PeerState::hello);
    return peer.begins(seconds(15)).text;
  };
  const std::string its = "app-3 (10.0.0.2:17901)";
  CHECK(
      contains(text(Handshake::answer), its + " reaches this peer, but is not reached from here"));
  CHECK(contains(text(Handshake::answer), "TCP to ports 17900 and 17901 of 10.0.0.2"));
  CHECK(contains(text(Handshake::call), its + " answers, but does not reach this peer"));
  CHECK(contains(text(Handshake::call), "TCP from 10.0.0.2 to ports 17902 and 17903 of this host"));
  CHECK(contains(text(Handshake::stream), its + " answers, but its stream does not come"));
  CHECK(contains(text(Handshake::subscription), "does not subscribe to this peer"));
  CHECK(contains(text(Handshake::done), "was met, but is not ready"));
}

TEST_CASE("many peers that are heard and not met are a few troubles and a count") {
  Watched peer;
  for (int i = 0; i < 100; ++i) {
    peer.add_heard(Handshake::answer);
    peer.status.peers.back().direct_port = static_cast<std::uint16_t>(20000 + i);
  }
  const auto changes = peer.pass(seconds(15));
  CHECK(changes.size() == 9);
  CHECK(contains(changes.front().text, "92 more peers are heard, but not met"));
}

TEST_CASE("a seed at which nobody answers is named with the reason") {
  Watched peer;
  peer.on_network();
  peer.add("app-2", 17901);
  peer.status.seeds.push_back({.seed = "app-9:17901", .addresses = {"10.0.0.9:17901"}});
  CHECK(peer.pass(seconds(9)).empty());
  auto trouble = peer.begins(seconds(1));
  CHECK(trouble.kind == Kind::seed_unmet);
  CHECK(trouble.about == "app-9:17901");
  CHECK(contains(trouble.text, "no peer answers at the seed app-9:17901; look whether"));
  peer.status.seeds.front().answered = 1;
  peer.status.seeds.front().unanswered = Duration::zero();
  peer.ends();
  peer.status.seeds.front().answered = 0;
  peer.status.seeds.front().reason = "the name is not known";
  CHECK(contains(peer.begins(seconds(15)).text, "app-9:17901: the name is not known"));
}

TEST_CASE("a peer that has met nobody for ten seconds says what to look at") {
  Watched peer;
  peer.on_network();
  peer.status.other_mesh = "production at 10.0.0.7";
  CHECK(peer.pass(seconds(9)).empty());
  const auto trouble = peer.begins(seconds(1));
  CHECK(trouble.kind == Kind::nobody_met);
  CHECK(contains(trouble.text, "no other peer has been met since the start"));
  CHECK(contains(trouble.text, "in the mesh prod, on a network of eth0, eth1"));
  CHECK(contains(trouble.text, "beacon port 17880"));
  CHECK(contains(trouble.text, "a peer of the mesh production at 10.0.0.7"));
  peer.add("app-2", 17901);
  CHECK(peer.ends() >= seconds(10));
}

TEST_CASE("a peer whose others have left is alone by intent, and one whose others are silent not") {
  Watched peer;
  peer.on_network();
  peer.add("app-2", 17901);
  CHECK(peer.pass(minutes(1)).empty());
  peer.status.peers.front().state = PeerState::left;
  CHECK(peer.pass(minutes(60)).empty());
  peer.status.peers.front().state = PeerState::gone;
  const auto trouble = peer.begins(minutes(1));
  CHECK(trouble.kind == Kind::nobody_met);
  CHECK(contains(trouble.text, "all other peers have fallen silent"));
  peer.add("app-3", 17902, PeerState::left);  // later
  CHECK(peer.ends() >= seconds(10));
}

// --- the wrong server ---------------------------------------------------------------------------

TEST_CASE("messages of another cluster are a trouble as long as they come") {
  Watched peer;
  peer.status.counters.foreign = 3;
  const auto trouble = peer.begins(seconds(5));
  CHECK(trouble.kind == Kind::foreign_cluster);
  CHECK(contains(trouble.text, "a logical replica"));
  CHECK(peer.ends(seconds(20)) >= seconds(10));
}

TEST_CASE("changes that a failover has undone are no trouble, but a server that shows none is") {
  Watched peer;
  peer.status.counters.orphaned = 100;
  CHECK(peer.pass(minutes(1)).empty());
  std::vector<Trouble> changes;
  for (int i = 0; i < 60; ++i) {
    ++peer.status.counters.in_doubt;
    for (auto& change : peer.pass(seconds(1))) changes.push_back(change);
  }
  REQUIRE(changes.size() == 1);
  CHECK(changes.front().kind == Kind::parted_history);
}
