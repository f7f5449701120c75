#include "lib/node/path_tests.hpp"

#include <algorithm>

#include "lib/base/limits.hpp"

namespace tidegate::node {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::minutes;

// Long enough for a new connection and an answer over it on any usual way.
constexpr Duration patience_with_direct = milliseconds(500);
// There is a heartbeat every half a second.
constexpr Duration patience_with_publish = milliseconds(900);
constexpr int beacons = 3;
constexpr Duration between_beacons = milliseconds(500);
constexpr Duration beacon_jitter = milliseconds(200);

}  // namespace

// One that has fallen silent may be cut off from here alone.
bool may_be_reached(const mesh::Member& member, Instant now) {
  constexpr Duration long_gone = minutes(10);
  if (member.state == PeerState::left) return false;
  return member.state != PeerState::gone || member.detector.silent(now) < long_gone;
}

void PathTests::begin(Instant now, Effects& effects) {
  if (under_way()) return;
  begun_ = now;
  direct_at_ = now + patience_with_direct;
  publish_at_ = now + patience_with_publish;
  end_ = now + longest;
  beacons_.clear();
  for (int i = beacons - 1; i >= 0; --i) {
    beacons_.push_back(now + i * between_beacons + random_.between(Duration(0), beacon_jitter));
  }
  for (const auto& [origin, member] : roster_.members()) {
    if (!may_be_reached(member, now)) continue;
    if (paths_.size() == base::limits::survey_members) break;
    const auto link = roster_.new_link();
    paths_.push_back({origin, link, member.direct_endpoint(), member.publish_endpoint()});
    effects.push_back(effect::Dial{link, member.direct_endpoint(), member.key});
    effects.push_back(effect::ToLink{link, mesh::PathQuestion{self_}});
  }
  test_seeds(now, effects);
}

void PathTests::test_seeds(Instant now, Effects& effects) {
  for (const auto& seed : roster_.unanswered_seeds(now)) {
    for (const auto& endpoint : seed.endpoints) test_port(endpoint, effects);
  }
}

bool PathTests::answered(mesh::LinkId link, const mesh::PathAnswer& answer, std::int64_t clock,
                         Instant now, Effects& effects) {
  const auto path =
      std::find_if(paths_.begin(), paths_.end(), [&](const Path& one) { return one.link == link; });
  if (path == paths_.end() || path->origin != answer.origin) return false;
  if (answer.large) {
    path->large_came = true;
  } else if (!path->round_trip) {
    path->round_trip = now - begun_;
    const auto half = std::chrono::duration_cast<microseconds>(*path->round_trip / 2).count();
    path->clock_ahead = microseconds(static_cast<std::int64_t>(answer.clock) - (clock - half));
    effects.push_back(effect::ToLink{link, mesh::PathQuestion{self_, true}});
  }
  return true;
}

void PathTests::test_port(const base::Endpoint& endpoint, Effects& effects) {
  if (!ports_.try_emplace(to_string(endpoint), PortAnswer::untested).second) return;
  effects.push_back(effect::TestPort{endpoint});
}

void PathTests::tested(const base::Endpoint& endpoint, PortAnswer answer) {
  const auto port = ports_.find(to_string(endpoint));
  if (port != ports_.end()) port->second = answer;
}

PortAnswer PathTests::answer_of(const base::Endpoint& endpoint) const {
  const auto port = ports_.find(to_string(endpoint));
  return port == ports_.end() ? PortAnswer::untested : port->second;
}

bool PathTests::well(const Path& path) const {
  const auto* member = roster_.find(path.origin);
  if (member == nullptr || member->state == PeerState::left) return true;  // there is nobody
  return member->state == PeerState::ready && came(member->beacon_at) && came(member->stream_at) &&
         path.round_trip && path.large_came;
}

bool PathTests::advance(Instant now, Effects& effects) {
  if (!under_way()) return false;
  const auto all_well =
      std::all_of(paths_.begin(), paths_.end(), [this](const Path& path) { return well(path); });
  if (now >= end_ || (all_well && roster_.unanswered_seeds(now).empty())) return true;
  if (now >= direct_at_) {
    direct_at_ = never;
    for (const auto& path : paths_) {
      if (!path.round_trip) test_port(path.direct, effects);
    }
  }
  if (now >= publish_at_) {
    publish_at_ = never;
    for (const auto& path : paths_) {
      const auto* member = roster_.find(path.origin);
      if (member != nullptr && !came(member->stream_at)) test_port(path.publish, effects);
    }
    test_seeds(now, effects);  // whose names have been looked up by now
  }
  return false;
}

PairSeen PathTests::seen(const Path& path, const mesh::Member& member, Instant now) const {
  PairSeen pair{.origin = member.origin,
                .name = member.name,
                .host = member.host,
                .publish_port = member.publish_port,
                .direct_port = member.direct_port,
                .state = member.state,
                .lacks = roster_.lacks(member),
                .silent = member.detector.silent(now)};
  if (member.beacon_at != Instant::min()) pair.last_beacon = now - member.beacon_at;
  pair.beacon_came = came(member.beacon_at);
  pair.stream_came = came(member.stream_at);
  pair.round_trip = path.round_trip;
  pair.large_came = path.large_came;
  pair.clock_ahead = path.clock_ahead;
  pair.direct = answer_of(path.direct);
  pair.publish = answer_of(path.publish);
  return pair;
}

void PathTests::describe(MemberSeen& told, Instant now) const {
  for (const auto& path : paths_) {
    const auto* member = roster_.find(path.origin);
    if (member == nullptr || member->state == PeerState::left) continue;
    told.pairs.push_back(seen(path, *member, now));
  }
  told.has_seeds = roster_.has_seeds();
  for (const auto& seed : roster_.unanswered_seeds(now)) {
    SeedSeen one{.seed = seed.seed, .unanswered = seed.unanswered, .reason = seed.reason};
    for (const auto& endpoint : seed.endpoints) {
      one.tested.push_back(to_string(endpoint));
      const auto answer = answer_of(endpoint);
      if (one.answer == PortAnswer::untested || one.answer == PortAnswer::speaks) {
        one.answer = answer;
      }
    }
    told.seeds.push_back(std::move(one));
  }
}

void PathTests::end(Effects& effects) {
  for (const auto& path : paths_) effects.push_back(effect::Undial{path.link});
  paths_.clear();
  ports_.clear();
  direct_at_ = publish_at_ = end_ = never;
}

bool PathTests::take_beacon_due(Instant now) {
  if (beacons_.empty() || now < beacons_.back()) return false;
  beacons_.pop_back();
  return true;
}

Instant PathTests::deadline() const {
  const auto beacon = beacons_.empty() ? never : beacons_.back();
  return std::min({beacon, direct_at_, publish_at_, end_});
}

}  // namespace tidegate::node
