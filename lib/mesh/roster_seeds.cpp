// The part of the roster that gets to know peers by seeds.
#include <algorithm>

#include "lib/base/ipv4.hpp"
#include "lib/mesh/roster.hpp"

namespace tidegate::mesh {
namespace {

using std::chrono::seconds;

constexpr Duration look_at_seed = seconds(1);
constexpr Duration redial_seed = seconds(3);
// Peers that have come to a name since find us themselves; this is for those that don't know it.
constexpr Duration refresh_seed = seconds(30);

// IPv4, or IPv6: no name has a colon.
bool is_address(const std::string& host) {
  return base::parse_ipv4(host) || host.find(':') != std::string::npos;
}

}  // namespace

void Roster::add_seed(base::Endpoint endpoint) {
  Seed seed{endpoint, !is_address(endpoint.host)};
  if (!seed.is_name) seed.addresses.push_back({std::move(endpoint)});
  seeds_.push_back(std::move(seed));
}

void Roster::resolved(const std::string& host, const std::vector<std::string>& addresses,
                      const std::string& trouble, Instant now, Effects& effects) {
  for (auto& seed : seeds_) {
    if (!seed.is_name || seed.endpoint.host != host) continue;
    seed.lookup_trouble = trouble;
    // While no name server answers, the addresses stay as they were.
    if (!addresses.empty()) {
      std::vector<SeedAddress> found;
      found.reserve(addresses.size());
      for (const auto& address : addresses) found.push_back({{address, seed.endpoint.port}});
      for (auto& known : seed.addresses) {
        const auto same = std::find_if(found.begin(), found.end(), [&](const SeedAddress& other) {
          return other.endpoint == known.endpoint;
        });
        if (same != found.end()) {
          *same = std::move(known);
        } else if (known.link) {
          effects.push_back(effect::Undial{*known.link});
        }
      }
      seed.addresses = std::move(found);
    }
    dial_seed(seed, now, effects);
  }
}

void Roster::advance_seed(Seed& seed, Instant now, Effects& effects) {
  const bool answered = all_answered(seed);
  if (count_answered(seed) > 0) {
    seed.unanswered_since = never;
  } else {
    seed.unanswered_since = std::min(seed.unanswered_since, now);
  }
  if (seed.is_name && now >= (answered ? seed.refresh_at : seed.retry_at)) {
    effects.push_back(effect::Resolve{seed.endpoint.host});
    seed.refresh_at = soon(now, refresh_seed);
    seed.retry_at = soon(now, redial_seed);
  } else if (!answered && now >= seed.retry_at) {
    dial_seed(seed, now, effects);
    seed.retry_at = soon(now, redial_seed);
  }
  if (answered) seed.retry_at = soon(now, look_at_seed);
  wake_at(seed.retry_at);
}

// Forgets those that have departed.
bool Roster::all_answered(Seed& seed) {
  bool all = !seed.addresses.empty();
  for (auto& address : seed.addresses) {
    const auto* member = address.member ? find(*address.member) : nullptr;
    if (member == nullptr || member->departed()) address.member.reset();
    all = all && (address.own || address.member);
  }
  return all;
}

std::size_t Roster::count_answered(const Seed& seed) {
  return static_cast<std::size_t>(
      std::count_if(seed.addresses.begin(), seed.addresses.end(),
                    [](const SeedAddress& address) { return address.own || address.member; }));
}

std::vector<SeedStatus> Roster::seeds(Instant now) const {
  std::vector<SeedStatus> list;
  for (const auto& seed : seeds_) {
    SeedStatus status{.seed = to_string(seed.endpoint), .reason = seed.lookup_trouble};
    for (const auto& address : seed.addresses) {
      status.addresses.push_back(to_string(address.endpoint));
      if (status.reason.empty()) status.reason = address.refusal;
    }
    status.answered = count_answered(seed);
    if (seed.unanswered_since != never) status.unanswered = now - seed.unanswered_since;
    list.push_back(std::move(status));
  }
  return list;
}

std::vector<UnansweredSeed> Roster::unanswered_seeds(Instant now) const {
  std::vector<UnansweredSeed> list;
  for (const auto& seed : seeds_) {
    if (seed.unanswered_since == never) continue;
    UnansweredSeed one{
        to_string(seed.endpoint), now - seed.unanswered_since, seed.lookup_trouble, {}};
    for (const auto& address : seed.addresses) {
      one.endpoints.push_back(address.endpoint);
      if (one.reason.empty()) one.reason = address.refusal;
    }
    list.push_back(std::move(one));
  }
  return list;
}

// A fresh connection each time: its queue holds one Hello.
void Roster::dial_seed(Seed& seed, Instant now, Effects& effects) {
  for (auto& address : seed.addresses) {
    if (address.own || address.member || now < address.retry_at) continue;
    if (address.link) effects.push_back(effect::Undial{*address.link});
    address.link = ++last_link_;
    effects.push_back(effect::Dial{*address.link, address.endpoint, 0});
    send_hello(*address.link, effects);
  }
}

bool Roster::seed_answered(SeedAddress& seed, const PeerInfo& info, Instant now, Effects& effects) {
  const auto link = *std::exchange(seed.link, std::nullopt);
  seed.refusal.clear();
  if (info.origin.peer == self_.origin.peer) {
    seed.own = true;
    effects.push_back(effect::Undial{link});
    // An address never leads to anybody else; a name may.
    std::erase_if(seeds_, [](const Seed& s) { return !s.is_name && s.addresses.front().own; });
    return true;
  }
  seed.member = info.origin;
  auto* member = find(info.origin);
  if (member == nullptr) member = admit(info.origin, seed.endpoint.host, now);
  if (member == nullptr || member->link || member->state == PeerState::left ||
      !member->is_process_of(info)) {
    effects.push_back(effect::Undial{link});
    return member != nullptr;
  }
  introduce(*member, info, seed.endpoint.host);
  member->link = link;
  member->retry_at = soon(now, seconds(1));
  meet(*member, info, now, effects);
  return true;
}

bool Roster::seed_refused(LinkId link, const std::string& reason, Instant now, Effects& effects) {
  auto* address = seed_of(link);
  if (address == nullptr) return false;
  // Perhaps somebody else lives there later.
  effects.push_back(effect::Undial{link});
  address->link.reset();
  address->retry_at = soon(now, refresh_seed);
  address->refusal = reason;
  return true;
}

Roster::SeedAddress* Roster::seed_of(LinkId link) {
  for (auto& seed : seeds_) {
    for (auto& address : seed.addresses) {
      if (address.link == link) return &address;
    }
  }
  return nullptr;
}

}  // namespace tidegate::mesh
