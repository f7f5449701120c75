#include "lib/mesh/gap_repair.hpp"

#include <algorithm>

namespace tidegate::mesh {
namespace {

using std::chrono::milliseconds;

constexpr Duration settle_pause = milliseconds(5);
constexpr Duration first_pause = milliseconds(200);
constexpr Duration longest_pause = milliseconds(1600);

}  // namespace

void GapRepair::gap(const Origin& origin, Instant now) {
  const auto [gap, added] = gaps_.try_emplace(origin);
  if (!added) return;
  gap->second = {now + settle_pause + random_.between(Duration(0), settle_pause), first_pause};
}

void GapRepair::answered(const Origin& origin, bool brought_something, Instant now) {
  const auto gap = gaps_.find(origin);
  if (gap == gaps_.end() || !brought_something) return;
  gap->second = {now, first_pause};
}

std::optional<Origin> GapRepair::take_due(Instant now, const Usable& usable) {
  for (auto& [origin, gap] : gaps_) {
    if (now < gap.ask_at || !usable(origin)) continue;
    gap.ask_at = now + gap.pause + random_.between(Duration(0), gap.pause / 4);
    gap.pause = std::min(2 * gap.pause, longest_pause);
    return origin;
  }
  return std::nullopt;
}

Instant GapRepair::deadline(const Usable& usable) const {
  auto when = never;
  for (const auto& [origin, gap] : gaps_) {
    if (gap.ask_at < when && usable(origin)) when = gap.ask_at;
  }
  return when;
}

}  // namespace tidegate::mesh
