#include "lib/node/troubles.hpp"

#include <algorithm>
#include <chrono>

#include "lib/base/endpoint.hpp"
#include "lib/base/limits.hpp"

namespace tidegate::node {
namespace {

using Kind = Trouble::Kind;
using std::chrono::seconds;

constexpr Duration quiet = seconds(10);  // of a counter, until its trouble has ended

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
    case Kind::malformed:
      return Duration::zero();
    case Kind::position_missing:
    case Kind::not_taking:
      return seconds(3);
    case Kind::replay_still:
      return seconds(5);
    case Kind::replay_behind:
      return seconds(30);
  }
  return Duration::zero();
}

std::string address_of(const PeerStatus& peer) {
  return peer.name + " (" + to_string(base::Endpoint{peer.host, peer.direct_port}) + ")";
}

bool lives(const PeerStatus& peer) {
  return peer.state != PeerState::left && peer.state != PeerState::gone;
}

}  // namespace

void Troubles::look(const Status& status, Instant now, std::vector<Trouble>& changes) {
  for (auto& [key, one] : lasting_) one.seen = false;
  look_at_servers(status, now);
  look_at_messages(status, now);
  look_at_peers(status, now);
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

void Troubles::look_at_messages(const Status& status, Instant now) {
  if (status.held > 0 && status.taking && status.tide) {
    const auto held =
        std::to_string(status.held) + (status.held == 1 ? " message waits" : " messages wait");
    const auto still = std::min(status.tide_still, status.held_longest);
    if (still >= patience(Kind::replay_still)) {
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
  if (!status.taking) {
    found(Kind::not_taking, "",
          "the application takes no deliveries; what has come waits, and what more comes is "
          "refused at held-bytes and fetched again",
          now - status.untaken);
  }
  const bool moves = status.outbox == 0 || status.last_sequence != sequence_;
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

void Troubles::look_at_counters(const Status& status, Instant now) {
  const auto& counters = status.counters;
  if (moves(malformed_, counters.malformed, now)) {
    found(Kind::malformed, "",
          "frames or datagrams arrive that can't be read: something else speaks to these ports, or "
          "another version of tidegate",
          malformed_.moved);
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
