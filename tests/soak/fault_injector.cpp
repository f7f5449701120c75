#include "tests/soak/fault_injector.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <utility>

#include "peer/io/clock.hpp"

namespace tidegate::soak {
namespace {

using enum FaultKind;

constexpr std::size_t most_at_a_time = 2;

std::string seconds(Duration duration) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.1f s",
                std::chrono::duration<double>(duration).count());
  return text.data();
}

Cut cut_of(FaultKind kind) {
  if (kind == cut_link) return Cut::link;
  return kind == deafen ? Cut::deaf : Cut::mute;
}

}  // namespace

FaultInjector::FaultInjector(FaultPlan plan, PeerProcesses& peers, Servers& servers,
                             const Network* network, History& history,
                             std::function<void(const std::string&)> tell)
    : plan_(std::move(plan)),
      peers_(peers),
      servers_(servers),
      network_(network),
      history_(history),
      tell_(std::move(tell)),
      next_(plan_.next()),
      next_at_(io::clock_now() + next_.pause) {}

bool FaultInjector::possible(const Fault& fault) const {
  return under_way_.size() < most_at_a_time &&
         std::none_of(under_way_.begin(), under_way_.end(),
                      [&](const UnderWay& other) { return fault.excludes(other.fault); });
}

void FaultInjector::begin_and_end(Instant now) {
  for (std::size_t i = 0; i < under_way_.size();) {
    if (now < under_way_[i].ends) {
      ++i;
      continue;
    }
    end(under_way_[i]);
    under_way_.erase(under_way_.begin() + static_cast<std::ptrdiff_t>(i));
    now = io::clock_now();
    if (waits_for_end_ && under_way_.empty()) {
      waits_for_end_ = false;
      next_at_ = now + next_.pause;
    }
  }
  if (waits_for_end_ || now < next_at_ || !possible(next_)) return;
  begin(next_);
  next_ = plan_.next();
  waits_for_end_ = !next_.overlaps;
  next_at_ = io::clock_now() + next_.pause;
}

void FaultInjector::end_all() {
  for (const auto& fault : std::exchange(under_way_, {})) end(fault);
}

void FaultInjector::begin(const Fault& fault) {
  UnderWay entry{.fault = fault};
  std::string where = peer_name(fault.target);
  if (!concerns_peer(fault.kind)) {
    entry.server =
        fault.kind == crash_primary ? servers_.primary() : servers_.replica(fault.target);
    where = Servers::name(entry.server);
    if (fault.kind == fail_over) {
      constexpr std::array ends{" stopped, ", " killed, ", " isolated and killed, "};
      where = Servers::name(servers_.primary()) + ends.at(static_cast<std::size_t>(fault.end)) +
              where + " takes over";
    }
  }
  entry.what = std::string(to_string(fault.kind)) + " (" + where + ")";
  tell_("begins: " + entry.what + " for " + seconds(fault.lasts));
  entry.number = history_.fault_begins(fault.kind, entry.what);
  break_it(entry);
  entry.ends = io::clock_now() + fault.lasts;
  under_way_.push_back(entry);
}

void FaultInjector::end(const UnderWay& fault) {
  mend_it(fault);
  history_.fault_ends(fault.number);
  tell_("ends:   " + fault.what);
}

void FaultInjector::break_it(const UnderWay& fault) {
  const int peer = fault.fault.target;
  switch (fault.fault.kind) {
    case kill_peer:
      return peers_.kill(peer);
    case stop_peer:
      return peers_.stop(peer);
    case cut_link:
    case deafen:
    case mute:
      return network_->cut(peer, cut_of(fault.fault.kind));
    case pause_replay:
      return servers_.at(fault.server).execute("SELECT pg_wal_replay_pause()");
    case crash_replica:
    case crash_primary:
      return servers_.at(fault.server).crash();
    case fail_over:
      switch (fault.fault.end) {
        case Fault::End::stopped:
          return servers_.at(servers_.primary()).stop();
        case Fault::End::killed:
          return servers_.at(servers_.primary()).crash();
        case Fault::End::isolated:
          return servers_.isolate_primary();
      }
  }
}

void FaultInjector::mend_it(const UnderWay& fault) {
  const int peer = fault.fault.target;
  switch (fault.fault.kind) {
    case kill_peer:
      return peers_.start(peer);
    case stop_peer:
      return peers_.resume(peer);
    case cut_link:
    case deafen:
    case mute:
      return network_->mend(peer, cut_of(fault.fault.kind));
    case pause_replay:
      return servers_.at(fault.server).execute("SELECT pg_wal_replay_resume()");
    case crash_replica:
    case crash_primary:
      return servers_.at(fault.server).start();
    case fail_over:
      if (fault.fault.end == Fault::End::isolated) servers_.at(servers_.primary()).crash();
      return fail_over_to(fault.server);
  }
}

void FaultInjector::fail_over_to(int heir) {
  const auto begin = io::clock_now();
  const auto astray = servers_.replace_primary(heir);
  if (astray) history_.went_astray({Servers::name(*astray), begin, io::clock_now()});
}

}  // namespace tidegate::soak
