#include "lib/node/troubles.hpp"

#include <algorithm>
#include <chrono>

#include "lib/base/endpoint.hpp"
#include "lib/base/limits.hpp"
#include "lib/gate/visibility.hpp"
#include "tidegate/lsn.hpp"

namespace tidegate::node {
namespace {

using Kind = Trouble::Kind;
using std::chrono::seconds;

constexpr Duration quiet = seconds(10);  // of a counter, until its trouble has ended

// Each of so many peers that were not met is a trouble of its own; beyond it they are counted.
constexpr std::size_t most_unmet = 8;

// The time for which a condition must hold.
Duration patience(Kind kind) {
  switch (kind) {
    case Kind::database_down:
    case Kind::primary_down:
    case Kind::held_full:
    case Kind::readers_slow:
    case Kind::peer_slow:
    case Kind::peer_silent:
    case Kind::same_name:
    case Kind::foreign_cluster:
    case Kind::malformed:
      return Duration::zero();
    case Kind::position_far:
    case Kind::position_missing:
    case Kind::not_taking:
      return seconds(3);
    case Kind::replay_still:
      return seconds(5);
    case Kind::peer_unmet:
    case Kind::seed_unmet:
    case Kind::nobody_met:
      return seconds(10);
    case Kind::replay_behind:
    case Kind::parted_history:  // a failover makes some for a moment
      return seconds(30);
  }
  return Duration::zero();
}

std::string address_of(const PeerStatus& peer) {
  const auto address = to_string(base::Endpoint{peer.host, peer.direct_port});
  return peer.name.empty() ? address : peer.name + " (" + address + ")";
}

// The peers whose messages wait.
std::string holders(const Status& status) {
  std::string all;
  for (const auto& peer : status.peers) {
    if (peer.held > 0) all += (all.empty() ? "" : ", ") + address_of(peer);
  }
  return all;
}

bool lives(const PeerStatus& peer) {
  return peer.state != PeerState::left && peer.state != PeerState::gone;
}

// It is not met, although its beacon or a seed names it. The attempts to reach a
// peer of which nothing but the beacon comes end after `gone_after`, and begin anew with the next
// beacon: in between it is gone.
bool unmet(const PeerStatus& peer) {
  const bool attempted = peer.state == PeerState::heard || peer.state == PeerState::hello;
  const bool between = peer.state == PeerState::gone && peer.silent < seconds(30);
  return peer.unready > Duration::zero() && (attempted || between);
}

std::string ports(std::uint16_t publish, std::uint16_t direct) {
  return std::to_string(publish) + " and " + std::to_string(direct);
}

// The step that does not succeed, and what to look at.
std::string unmet_text(const Status& status, const PeerStatus& peer) {
  const auto its = address_of(peer);
  const auto its_ports =
      "TCP to ports " + ports(peer.publish_port, peer.direct_port) + " of " + peer.host;
  const auto our_ports = "TCP from " + peer.host + " to ports " +
                         ports(status.publish_port, status.direct_port) + " of this host";
  if (!peer.refusal.empty()) return its + " refuses this peer, and says: " + peer.refusal;
  switch (peer.lacks) {
    case Handshake::answer:
      return peer.state == PeerState::hello
                 ? its + " reaches this peer, but is not reached from here: let firewalls pass " +
                       its_ports
                 : its + " is heard by its beacon (UDP), but does not answer: let firewalls pass " +
                       its_ports + ", and look whether its process runs and is not stopped";
    case Handshake::call:
      return its + " answers, but does not reach this peer: let firewalls pass " + our_ports;
    case Handshake::stream:
      return its + " answers, but its stream does not come: let firewalls pass " + its_ports;
    case Handshake::subscription:
      return its + " answers, but does not subscribe to this peer: let firewalls pass " + our_ports;
    case Handshake::done:
      break;
  }
  return its + " was met, but is not ready: look whether it is overloaded";
}

std::string alone_text(const Status& status, bool met) {
  std::string interfaces;
  for (const auto& name : status.interfaces) {
    interfaces += (interfaces.empty() ? "" : ", ") + name;
  }
  auto text = met ? std::string("all other peers have fallen silent")
                  : std::string("no other peer has been met since the start");
  text += "; if others run, look whether they are in the mesh " + status.mesh +
          ", on a network of " + interfaces + ", with the beacon port " +
          std::to_string(status.beacon_port) +
          " (UDP, multicast or broadcast), and name some as --seeds where no beacon passes";
  if (!status.other_mesh.empty()) text += "; there is a peer of the mesh " + status.other_mesh;
  if (!status.stranger.empty()) text += "; there is a peer at " + status.stranger;
  return text;
}

}  // namespace

void Troubles::look(const Status& status, Instant now, std::vector<Trouble>& changes) {
  for (auto& [key, one] : lasting_) one.seen = false;
  look_at_servers(status, now);
  look_at_messages(status, now);
  look_at_peers(status, now);
  look_at_meeting(status, now);
  look_at_counters(status, now);
  for (auto it = lasting_.begin(); it != lasting_.end();) {
    const auto& [kind, about] = it->first;
    auto& one = it->second;
    const auto lasted = now - one.since;
    if (!one.seen) {
      if (one.told) changes.push_back({kind, about, one.text, lasted, true});
      it = lasting_.erase(it);
      continue;
    }
    if (!one.told && lasted >= patience(kind)) {
      one.told = true;
      changes.push_back({kind, about, one.text, lasted, false});
    }
    ++it;
  }
}

std::vector<Trouble> Troubles::present(Instant now) const {
  std::vector<Trouble> list;
  for (const auto& [key, one] : lasting_) {
    if (one.told) list.push_back({key.first, key.second, one.text, now - one.since, false});
  }
  std::stable_sort(list.begin(), list.end(),
                   [](const Trouble& a, const Trouble& b) { return a.lasted > b.lasted; });
  return list;
}

void Troubles::found(Kind kind, std::string about, std::string text, Instant since) {
  auto& one = lasting_.try_emplace({kind, std::move(about)}, Lasting{{}, since}).first->second;
  one.text = std::move(text);
  one.since = std::min(one.since, since);
  one.seen = true;
}

void Troubles::look_at_servers(const Status& status, Instant now) {
  const auto& database = status.database;
  if (database.asked && !database.up && !database.reason.empty()) {
    found(Kind::database_down, "",
          "the database does not answer; messages that wait for a change stay held: " +
              database.reason,
          now - database.since);
  }
  const auto& primary = status.primary;
  if (primary.asked && !primary.up && !primary.reason.empty()) {
    found(Kind::primary_down, "",
          "the primary does not answer; publishing after a commit waits: " + primary.reason,
          now - primary.since);
  }
}

// Those that wait for the server that is read.
void Troubles::look_at_held(const Status& status, Instant now) {
  const auto held =
      std::to_string(status.held) + (status.held == 1 ? " message waits" : " messages wait");
  const auto still = std::min(status.tide_still, status.held_longest);
  if (status.held_first && !gate::can_come(*status.held_first, *status.tide)) {
    found(Kind::position_far, "",
          held + " for " + to_string(*status.held_first) + ", which the database, at " +
              to_string(Lsn{status.tide->replayed}) + " of timeline " +
              std::to_string(status.tide->timeline()) +
              ", will not reach; look at what positions these peers publish: " + holders(status),
          now - status.held_longest);
  } else if (still >= patience(Kind::replay_still)) {
    found(Kind::replay_still, "",
          "the database replays nothing while " + held +
              "; look whether its replay is paused (pg_is_wal_replay_paused) or its receiver is "
              "cut off (pg_stat_wal_receiver)",
          now - still);
  } else if (status.held_longest >= patience(Kind::replay_behind)) {
    found(Kind::replay_behind, "",
          "the database is behind while " + held +
              "; look at its load, at the network and at recovery_min_apply_delay",
          now - status.held_longest);
  }
}

void Troubles::look_at_messages(const Status& status, Instant now) {
  if (status.held > 0 && status.taking && status.tide) look_at_held(status, now);
  if (!status.taking) {
    found(Kind::not_taking, "",
          "the application takes no deliveries; what has come waits, and what more comes is "
          "refused at held-bytes and fetched again",
          now - status.untaken);
  }
  const bool moves = status.unsent == 0 || status.last_sequence != sequence_;
  if (moves || sequence_since_ == never) sequence_since_ = now;
  sequence_ = status.last_sequence;
  if (!moves && (status.primary.up || !status.primary.asked)) {
    found(Kind::position_missing, "",
          "a published message waits for its position; look at the primary: a standby that commits "
          "wait for, locks, its load",
          sequence_since_);
  }
}

void Troubles::look_at_peers(const Status& status, Instant now) {
  std::map<std::string, std::string> named = {{status.name, "this peer"}};
  for (const auto& peer : status.peers) {
    if (!lives(peer)) continue;
    const auto address = address_of(peer);
    if (peer.state == PeerState::suspect) {
      found(Kind::peer_silent, address, address + " is silent: stopped, overloaded or cut off",
            now - peer.silent);
    }
    if (peer.slow) {
      found(Kind::peer_slow, address,
            address + " keeps trailing: it was " + std::to_string(peer.lag) +
                (peer.lag == 1 ? " message" : " messages") +
                " behind when it last asked for what it has missed; look at its processor, its "
                "network and how fast its application takes deliveries",
            now);
    }
    if (peer.name.empty()) continue;  // heard, not met
    const auto [other, is_new] = named.emplace(peer.name, address);
    if (is_new) continue;
    found(Kind::same_name, address,
          "two peers have one name: " + address + " and " + other->second +
              "; give each a --name of its own",
          now);
  }
}

void Troubles::look_at_meeting(const Status& status, Instant now) {
  if (status.interfaces.empty()) return;  // of a gate without a mesh
  for (const auto& seed : status.seeds) {
    if (seed.unanswered == Duration::zero()) continue;
    auto text = "no peer answers at the seed " + seed.seed;
    if (seed.addresses.size() > 1) {
      text += " or any other of its " + std::to_string(seed.addresses.size()) + " addresses";
    }
    text += seed.reason.empty() ? "; look whether a peer runs there with that direct port, and let "
                                  "firewalls pass TCP to it"
                                : ": " + seed.reason;
    found(Kind::seed_unmet, seed.seed, text, now - seed.unanswered);
  }

  std::size_t number_unmet = 0;
  bool any_lives = false;
  const PeerStatus* last_departed = nullptr;
  for (const auto& peer : status.peers) {
    if (unmet(peer)) found_unmet(status, peer, ++number_unmet, now);
    any_lives = any_lives || (lives(peer) && peer.state != PeerState::heard);
    if (lives(peer)) continue;
    if (last_departed == nullptr || peer.silent < last_departed->silent) last_departed = &peer;
  }
  met_ = met_ || any_lives;
  // A peer whose last neighbour has said farewell is alone by intent.
  const bool fell_silent = last_departed != nullptr && last_departed->state == PeerState::gone;
  const bool alone = !any_lives && (!met_ || fell_silent);
  if (!alone) {
    alone_since_ = never;
    return;
  }
  if (alone_since_ == never) alone_since_ = met_ ? now : now - status.up;
  found(Kind::nobody_met, "", alone_text(status, met_), alone_since_);
}

void Troubles::found_unmet(const Status& status, const PeerStatus& peer, std::size_t unmet,
                           Instant now) {
  const auto address = to_string(base::Endpoint{peer.host, peer.direct_port});
  const auto about = unmet <= most_unmet ? address : "";
  // One that is gone may be so for good, unless that was a trouble before. One that refuses is gone
  // in between, however often it is dialled.
  const auto before = lasting_.find({Kind::peer_unmet, about});
  const bool told = before != lasting_.end() && before->second.told;
  if (peer.state == PeerState::gone && !told && peer.refusal.empty()) return;
  found(Kind::peer_unmet, about,
        unmet <= most_unmet ? unmet_text(status, peer)
                            : std::to_string(unmet - most_unmet) +
                                  " more peers are heard, but not met; tidegate status lists them",
        now - peer.unready);
}

void Troubles::look_at_counters(const Status& status, Instant now) {
  const auto& counters = status.counters;
  if (moves(malformed_, counters.malformed, now)) {
    found(Kind::malformed, "",
          "frames or datagrams arrive that can't be read: something else speaks to these ports, or "
          "another version of tidegate",
          malformed_.moved);
  }
  if (moves(foreign_, counters.foreign, now)) {
    found(Kind::foreign_cluster, "",
          "messages arrive that announce changes of another cluster, and are not delivered; is the "
          "database a logical replica, or another application in this mesh? It has to be the "
          "primary, or a physical standby",
          foreign_.moved);
  }
  if (moves(parted_, counters.orphaned + counters.in_doubt, now)) {
    found(Kind::parted_history, "",
          "the database has parted from the history on which changes are announced, and shows none "
          "of them; was it promoted, restored or left behind by a failover?",
          parted_.moved);
  }
  if (moves(refused_full_, counters.refused_full, now)) {
    found(Kind::held_full, "",
          "held-bytes are full: arriving messages are refused and fetched again when there is "
          "room; raise held-bytes, or look why messages wait",
          refused_full_.moved);
  }
  const bool suppressed = moves(suppressed_, counters.suppressed, now);
  if (suppressed || status.outgoing_bytes > base::limits::outgoing_bytes / 2) {
    found(Kind::readers_slow, "",
          std::to_string(status.outgoing_bytes >> 20U) +
              " MiB wait for readers that don't take them; beyond " +
              std::to_string(base::limits::outgoing_bytes >> 20U) +
              " MiB larger frames are withheld from all",
          now);
  }
}

bool Troubles::moves(Moving& moving, std::uint64_t count, Instant now) {
  if (count != moving.count) moving.moved = now;
  moving.count = count;
  return moving.moved != never && now - moving.moved < quiet;
}

}  // namespace tidegate::node
