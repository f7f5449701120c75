#include "command/top/rates.hpp"

#include <fmt/format.h>

namespace tidegate::command::top {

Rates rates(const Status& before, const Status& after, Duration between) {
  Rates rates;
  const auto seconds = std::chrono::duration<double>(between).count();
  if (before.origin != after.origin || seconds <= 0) return rates;
  const auto rate = [&](std::uint64_t from, std::uint64_t to) {
    return to > from ? static_cast<double>(to - from) / seconds : 0;
  };
  rates.published = rate(before.counters.published, after.counters.published);
  rates.received = rate(before.counters.received, after.counters.received);
  rates.delivered = rate(before.counters.delivered, after.counters.delivered);
  std::map<Origin, std::uint64_t> known;
  for (const auto& peer : before.peers) known[peer.origin] = peer.next_sequence;
  for (const auto& peer : after.peers) {
    const auto was = known.find(peer.origin);
    // 0: it was not known how far its stream had come.
    if (was == known.end() || was->second == 0) continue;
    rates.of_peers[peer.origin] = rate(was->second, peer.next_sequence);
  }
  return rates;
}

std::string rate_text(double rate) {
  if (rate == 0) return "0/s";
  if (rate < 99.95) return fmt::format("{:.1f}/s", rate);
  if (rate < 999.5) return fmt::format("{:.0f}/s", rate);
  if (rate < 999'950) return fmt::format("{:.1f}k/s", rate / 1e3);
  return fmt::format("{:.1f}M/s", rate / 1e6);
}

}  // namespace tidegate::command::top
