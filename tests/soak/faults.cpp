#include "tests/soak/faults.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

#include "lib/base/enum_names.hpp"
#include "lib/base/must.hpp"

namespace tidegate::soak {
namespace {

using namespace std::chrono_literals;
using enum FaultKind;

constexpr std::array peer_kinds{kill_peer, stop_peer, kill_peer, stop_peer};
constexpr std::array link_kinds{cut_link, deafen, mute};
constexpr std::array server_kinds{pause_replay, crash_replica, crash_primary, fail_over};

}  // namespace

std::string_view to_string(FaultKind kind) {
  static constexpr auto names = base::enum_names<FaultKind>({{kill_peer, "peer killed"},
                                                             {stop_peer, "peer stopped"},
                                                             {cut_link, "link cut"},
                                                             {deafen, "link one way: deaf"},
                                                             {mute, "link one way: mute"},
                                                             {pause_replay, "replay paused"},
                                                             {crash_replica, "replica killed"},
                                                             {crash_primary, "primary killed"},
                                                             {fail_over, "failover"}});
  return names.name(kind);
}

bool concerns_peer(FaultKind kind) { return kind <= mute; }

bool Fault::excludes(const Fault& other) const {
  if (concerns_peer(kind) != concerns_peer(other.kind)) return false;
  return !concerns_peer(kind) || target == other.target;
}

FaultPlan::FaultPlan(const Settings& settings, bool links)
    : settings_(settings), links_(links), random_(settings.seed) {}

FaultKind FaultPlan::draw_kind() {
  if (deck_.empty()) {
    deck_.assign(peer_kinds.begin(), peer_kinds.end());
    deck_.insert(deck_.end(), server_kinds.begin(), server_kinds.end());
    if (links_) deck_.insert(deck_.end(), link_kinds.begin(), link_kinds.end());
    for (auto size = deck_.size(); size > 1; --size) {
      std::swap(deck_[size - 1], deck_[random_.below(size)]);
    }
  }
  const auto kind = deck_.back();
  deck_.pop_back();
  return kind;
}

Duration FaultPlan::draw(Duration low, Duration high) {
  const auto longest = std::max<Duration>(settings_.longest_fault(), 2 * low);
  return random_.between(low, std::min(high, longest));
}

Fault FaultPlan::next() {
  Fault fault;
  fault.kind = draw_kind();
  const auto targets = concerns_peer(fault.kind) ? settings_.peers : server_count - 1;
  fault.target = static_cast<int>(random_.below(static_cast<std::uint64_t>(targets)));
  fault.end = static_cast<Fault::End>(random_.below(3));
  switch (fault.kind) {
    case stop_peer:
      fault.lasts = draw(1s, 40s);
      break;
    case cut_link:
    case deafen:
    case mute:
    case pause_replay:
      fault.lasts = draw(1s, 20s);
      break;
    default:
      fault.lasts = draw(200ms, 5s);
  }
  fault.overlaps = random_.below(2) == 0;
  fault.pause = draw(500ms, 4s);
  return fault;
}

}  // namespace tidegate::soak
