#include "lib/mesh/roster.hpp"

#include <algorithm>

namespace tidegate::mesh {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr Duration repeat_hello = seconds(1);
constexpr Duration answer_patience = seconds(3);
constexpr Duration repeat_probe = seconds(1);
constexpr std::size_t helpers = 3;  // that are asked about a silent member

// A member that has left never returns in the same life. A silent one may, and its stream must go
// on where it was.
constexpr Duration remember_left = minutes(10);
constexpr Duration remember_gone = hours(24);

}  // namespace

Roster::Roster(PeerInfo self, std::vector<base::Endpoint> seeds, FailureDetector::Patience patience,
               base::Random random)
    : self_(std::move(self)), patience_(patience), random_(random) {
  for (auto& endpoint : seeds) add_seed(std::move(endpoint));
}

// --- the handshake ------------------------------------------------------------------------------

bool Roster::heard(const Announcement& announcement, const std::string& host, Instant now,
                   Effects& effects) {
  if (announcement.leaving || announcement.mesh != self_.mesh) return false;
  if (announcement.origin.peer == self_.origin.peer) return false;
  auto* known = find(announcement.origin);
  if (known != nullptr) {
    if (announcement.counter <= known->announced) return false;
    known->announced = announcement.counter;
    known->beacon_at = now;
    if (known->state != PeerState::gone) return false;
  }
  auto* member = known != nullptr ? known : admit(announcement.origin, host, now);
  if (member == nullptr) return false;
  member->announced = announcement.counter;
  member->beacon_at = now;
  member->host = host;
  member->publish_port = announcement.publish_port;
  member->direct_port = announcement.direct_port;
  member->key = announcement.key;
  dial(*member, now, effects);
  return true;
}

bool Roster::hello(const PeerInfo& info, const RoutingId& route, const std::string& host,
                   Extent own, Instant now, Effects& effects) {
  if (!ours(info)) {
    effects.push_back(effect::ToRoute{
        route, Refusal{"this is mesh '" + self_.mesh + "', not '" + info.mesh + "'"}});
    return false;
  }
  if (info.origin.peer == self_.origin.peer) {
    // A seed that is our own endpoint: the Welcome tells the dialling side.
    effects.push_back(effect::ToRoute{route, Welcome{self_}});
    return true;
  }
  auto* member = find(info.origin);
  if (member == nullptr) member = admit(info.origin, host, now);
  if (member == nullptr && later_life_of(info.origin)) {
    effects.push_back(effect::ToRoute{
        route, Refusal{"a later life of this peer was met: its state file is older than that one, "
                       "or another process uses a copy of it; start without it"}});
    return false;
  }
  if (member == nullptr || member->state == PeerState::left) return false;
  if (!member->link) {
    introduce(*member, info, host);
    dial(*member, now, effects);
  } else if (member->key != info.key) {
    member->key = info.key;
    connect(*member, now, effects);
    meet_again(*member, now, effects);
  }
  member->called = true;
  if (member->name.empty()) member->name = info.name;
  if (must_wait(*member, now, effects)) {
    if (now - member->claimed_at < patience_.suspect) return true;
    effects.push_back(effect::ToRoute{
        route, Refusal{"another process with this peer's id is here, and speaks; give this one a "
                       "state file of its own"}});
    return false;
  }
  sign_of_life(*member, now, effects);
  effects.push_back(effect::ToRoute{route, Welcome{self_}});
  tell_ready(*member, own, effects);
  return true;
}

bool Roster::welcome(LinkId link, const PeerInfo& info, Instant now, Effects& effects) {
  if (!ours(info)) return false;
  if (auto* seed = seed_of(link)) return seed_answered(*seed, info, now, effects);
  auto* member = member_of(link);
  if (member == nullptr) return false;
  if (member->origin != info.origin) return other_answered(*member, info, now, effects);
  if (!member->is_process_of(info)) {
    depart(*member, PeerGone::Why::silent, now, effects);
    return true;
  }
  meet(*member, info, now, effects);
  return true;
}

// The address was handed on.
bool Roster::other_answered(Member& member, const PeerInfo& info, Instant now, Effects& effects) {
  const auto host = member.host;
  const bool later_life = member.origin.peer == info.origin.peer && member.origin < info.origin;
  depart(member, later_life ? PeerGone::Why::replaced : PeerGone::Why::silent, now, effects);
  if (info.origin.peer == self_.origin.peer) return true;
  auto* other = find(info.origin);
  if (other == nullptr) other = admit(info.origin, host, now);
  if (other == nullptr || other->state == PeerState::left) return other != nullptr;
  if (other->link) {
    send_hello(*other->link, effects);
    return true;
  }
  introduce(*other, info, host);
  dial(*other, now, effects);
  return true;
}

void Roster::meet(Member& member, const PeerInfo& info, Instant now, Effects& effects) {
  member.redial_at = never;
  if (must_wait(member, now, effects)) return;
  member.met = true;
  member.refusal.clear();
  member.name = info.name;
  member.publish_port = info.publish_port;
  member.stream_key = info.stream_key;
  member.key = info.key;
  member.traces = info.traces;
  take_over_stream(member, info);
  sign_of_life(member, now, effects);
  replace_earlier_lives(member.origin, now, effects);
  follow(member, now, effects);
}

// Our frames may not reach it any more: until it says that they do, both steps are repeated.
void Roster::meet_again(Member& member, Instant now, Effects& effects) {
  member.listening = false;
  member.retry_at = soon(now, repeat_hello);
  wake_at(member.retry_at);
  update_readiness(member, effects);
}

void Roster::follow(Member& member, Instant now, Effects& effects) const {
  if (member.following) return;
  member.following = member.shared = true;
  member.refollow_at = now + patience_.gone;
  effects.push_back(effect::Follow{member.origin, member.publish_endpoint(), member.stream_key});
}

void Roster::reader(PeerId peer, bool present, Extent own, Instant now, Effects& effects) {
  if (!present) {
    readers_.erase(peer);
  } else {
    add_reader(peer);
  }
  for (auto member = members_.lower_bound({peer, 0});
       member != members_.end() && member->first.peer == peer; ++member) {
    if (member->second.departed()) continue;
    if (present) {
      tell_ready(member->second, own, effects);
      update_readiness(member->second, effects);
    } else {
      // Its next subscription starts anew; say Hello again, in case this is all that has broken.
      meet_again(member->second, now, effects);
    }
  }
}

Member* Roster::ready(const Ready& ready, Instant now, Effects& effects) {
  auto* member = ready.target == self_.origin ? find(ready.origin) : nullptr;
  if (member == nullptr || !member->link || !member->following) return nullptr;
  member->started = true;
  effects.push_back(effect::ToLink{*member->link, Listening{self_.origin, member->origin}});
  sign_of_life(*member, now, effects);
  update_readiness(*member, effects);
  return member;
}

bool Roster::listening(const Listening& listening, Instant now, Effects& effects) {
  auto* member = listening.target == self_.origin ? find(listening.origin) : nullptr;
  if (member == nullptr || member->departed()) return false;
  member->listening = true;
  sign_of_life(*member, now, effects);
  update_readiness(*member, effects);
  return true;
}

bool Roster::refused(LinkId link, const std::string& reason, Instant now, Effects& effects) {
  if (seed_refused(link, reason, now, effects)) return true;
  auto* member = member_of(link);
  if (member == nullptr) return false;
  depart(*member, PeerGone::Why::silent, now, effects);
  member->refusal = reason;
  member->unready_since = std::min(member->unready_since, now);
  return true;
}

Member* Roster::publisher(const Origin& origin, Instant now, Effects& effects) {
  auto* member = find(origin);
  if (member == nullptr || !member->following) return nullptr;
  member->refollow_at = now + patience_.gone;
  member->stream_at = now;
  sign_of_life(*member, now, effects);
  return member;
}

Member* Roster::answering(LinkId link, const Origin& origin, Instant now, Effects& effects) {
  auto* member = member_of(link);
  if (member == nullptr || member->origin != origin) return nullptr;
  sign_of_life(*member, now, effects);
  return member;
}

Member* Roster::asking(const Origin& origin, Instant now, Effects& effects) {
  auto* member = find(origin);
  if (member == nullptr || member->departed()) return nullptr;
  sign_of_life(*member, now, effects);
  return member;
}

bool Roster::probe(const Probe& probe, const RoutingId& route, Instant now, Effects& effects) {
  if (asking(probe.origin, now, effects) == nullptr) return false;
  const auto* target = find(probe.target);
  if (target != nullptr && target->state == PeerState::ready) {
    effects.push_back(effect::ToRoute{route, Vouch{probe.target}});
  }
  return true;
}

bool Roster::vouched(LinkId link, const Origin& target, Instant now) {
  const auto* voucher = member_of(link);
  auto* member = find(target);
  if (voucher == nullptr || member == nullptr || member->state != PeerState::suspect) return false;
  member->detector.vouched(now);
  wake_at(now);
  return true;
}

// --- states -------------------------------------------------------------------------------------

void Roster::enter(Member& member, PeerState state) {
  if (member.state == PeerState::ready) --ready_count_;
  if (state == PeerState::ready) {
    ++ready_count_;
    member.unready_since = never;
  }
  member.state = state;
  ++changes_;
}

// A member was heard by its own word.
void Roster::sign_of_life(Member& member, Instant now, Effects& effects) {
  member.detector.heard(now);
  member.probe_at = never;
  member.probed = false;
  if (member.state == PeerState::heard || member.state == PeerState::gone) {
    enter(member, PeerState::hello);
  } else if (member.state == PeerState::suspect) {
    enter(member, PeerState::hello);
    update_readiness(member, effects);
    wake_at(member.retry_at);  // if that is not enough to be ready, says Hello again
  }
}

// Only its Welcome does this, at its own address: all else may be another's word.
void Roster::replace_earlier_lives(const Origin& origin, Instant now, Effects& effects) {
  for (auto i = members_.lower_bound({origin.peer, 0}); i != members_.end() && i->first < origin;
       ++i) {
    if (!i->second.departed()) depart(i->second, PeerGone::Why::replaced, now, effects);
  }
}

// Between `hello` and `ready`, as the two directions stand.
void Roster::update_readiness(Member& member, Effects& effects) {
  const bool both = member.started && member.listening && readers_.contains(member.origin.peer);
  if (member.state == PeerState::hello && both) {
    enter(member, PeerState::ready);
    if (!std::exchange(member.was_ready, true)) {
      effects.push_back(effect::Notify{PeerReady{member.origin, member.name, member.address()}});
    }
  } else if (member.state == PeerState::ready && !both) {
    enter(member, PeerState::hello);
  }
}

void Roster::left(Member& member, Instant now, Effects& effects) {
  depart(member, PeerGone::Why::left, now, effects);
}

void Roster::depart(Member& member, PeerGone::Why why, Instant now, Effects& effects) {
  disconnect(member, effects);
  if (member.was_ready) {
    effects.push_back(effect::Notify{PeerGone{member.origin, member.name, why, member.address()}});
  }
  if (member.was_ready || why != PeerGone::Why::silent) member.unready_since = never;
  member.was_ready = false;
  // One that has left, or was replaced, does not come back in this life; a late beacon is nothing.
  enter(member, why == PeerGone::Why::silent ? PeerState::gone : PeerState::left);
  const bool may_return = member.met && member.state == PeerState::gone;
  member.retry_at = now + (may_return ? remember_gone : remember_left);
  wake_at(member.retry_at);
  departed_.push_back(member.origin);
}

void Roster::disconnect(Member& member, Effects& effects) {
  if (member.link) effects.push_back(effect::Undial{*member.link});
  if (member.following) effects.push_back(effect::Unfollow{member.origin});
  member.link.reset();
  member.following = member.called = member.started = member.listening = false;
}

void Roster::advance(Extent own, Instant now, Effects& effects) {
  if (now < check_at_) return;
  check_at_ = never;
  for (auto& seed : seeds_) advance_seed(seed, now, effects);
  for (auto i = members_.begin(); i != members_.end();) {
    auto& member = i->second;
    if (!member.departed()) {
      advance_member(member, own, now, effects);
    } else if (now < member.retry_at || !member.forgettable()) {
      if (now >= member.retry_at) member.retry_at = now + remember_left;
      wake_at(member.retry_at);
    } else {
      forget(i++);
      continue;
    }
    ++i;
  }
}

void Roster::advance_member(Member& member, Extent own, Instant now, Effects& effects) {
  const auto verdict = member.detector.verdict(now);
  if (verdict == FailureDetector::Verdict::gone) {
    depart(member, PeerGone::Why::silent, now, effects);
    return;
  }
  if (verdict == FailureDetector::Verdict::suspect && member.state == PeerState::ready) {
    enter(member, PeerState::suspect);
    member.probe_at = now;
  }
  wake_at(member.detector.deadline(now));
  if (now >= member.probe_at) probe_around(member, now, effects);
  wake_at(member.probe_at);
  if (member.following && now >= member.refollow_at) {
    member.refollow_at = now + patience_.gone;
    member.shared = true;
    effects.push_back(effect::Unfollow{member.origin});
    effects.push_back(effect::Follow{member.origin, member.publish_endpoint(), member.stream_key});
  }
  if (member.following) wake_at(member.refollow_at);

  const bool unfinished = member.state == PeerState::heard || member.state == PeerState::hello;
  if (!unfinished || !member.link) return;
  member.unready_since = std::min(member.unready_since, now);
  if (now >= member.retry_at) {
    if (now >= member.redial_at) {
      connect(member, now, effects);
    } else {
      send_hello(*member.link, effects);
    }
    tell_ready(member, own, effects);
    member.retry_at = soon(now, repeat_hello);
  }
  wake_at(member.retry_at);
}

// Asks the silent member itself, whose Welcome would be a sign of life; from the second time on
// also others that may hear it.
void Roster::probe_around(Member& member, Instant now, Effects& effects) {
  member.probe_at = soon(now, repeat_probe);
  if (member.link) send_hello(*member.link, effects);
  if (!std::exchange(member.probed, true)) return;
  std::vector<LinkId> others;
  for (const auto& [origin, other] : members_) {
    if (other.state == PeerState::ready && other.link) others.push_back(*other.link);
  }
  for (std::size_t i = 0; i < helpers && !others.empty(); ++i) {
    const auto chosen = others.begin() + static_cast<std::ptrdiff_t>(random_.below(others.size()));
    effects.push_back(effect::ToLink{*chosen, Probe{self_.origin, member.origin}});
    others.erase(chosen);
  }
}

void Roster::discount(Duration lateness) {
  for (auto& [origin, member] : members_) {
    member.detector.discount(lateness);
    if (member.refollow_at != never) member.refollow_at += lateness;
  }
}

// --- connections --------------------------------------------------------------------------------

void Roster::dial(Member& member, Instant now, Effects& effects) {
  member.detector.heard(now);
  if (member.state == PeerState::gone) enter(member, PeerState::heard);
  connect(member, now, effects);
  member.retry_at = soon(now, repeat_hello);
  wake_at(member.retry_at);
}

void Roster::connect(Member& member, Instant now, Effects& effects) {
  if (member.link) effects.push_back(effect::Undial{*member.link});
  member.link = ++last_link_;
  effects.push_back(effect::Dial{*member.link, member.direct_endpoint(), member.key});
  send_hello(*member.link, effects);
  member.redial_at = now + answer_patience;
}

void Roster::send_hello(LinkId link, Effects& effects) const {
  effects.push_back(effect::ToLink{link, Hello{self_}});
}

// Ready, as soon as the subscription is here.
void Roster::tell_ready(const Member& member, Extent own, Effects& effects) const {
  if (!member.link || !readers_.contains(member.origin.peer)) return;
  effects.push_back(
      effect::ToLink{*member.link, Ready{self_.origin, member.origin, own.first, own.next}});
}

bool Roster::ours(const PeerInfo& info) const { return info.mesh == self_.mesh; }

// A little later than `least`, not in step with others.
Instant Roster::soon(Instant now, Duration least) {
  return now + least + random_.between(Duration(0), least / 4);
}

void Roster::wake_at(Instant when) { check_at_ = std::min(check_at_, when); }

}  // namespace tidegate::mesh
