#include "lib/mesh/catch_up.hpp"

#include <algorithm>

namespace tidegate::mesh {
namespace {

using std::chrono::milliseconds;

constexpr Duration settle_pause = milliseconds(5);
constexpr Duration first_pause = milliseconds(200);
constexpr Duration longest_pause = milliseconds(1600);

}  // namespace

void CatchUp::hole(const Origin& origin, Instant now) {
  const auto [hole, added] = holes_.try_emplace(origin);
  if (!added) return;
  hole->second = {now + settle_pause + random_.between(Duration(0), settle_pause), first_pause};
}

void CatchUp::answered(const Origin& origin, bool brought_something, Instant now) {
  const auto hole = holes_.find(origin);
  if (hole == holes_.end() || !brought_something) return;
  hole->second = {now, first_pause};
}

std::optional<Origin> CatchUp::take_due(Instant now) {
  for (auto& [origin, hole] : holes_) {
    if (now < hole.ask_at) continue;
    hole.ask_at = now + hole.pause + random_.between(Duration(0), hole.pause / 4);
    hole.pause = std::min(2 * hole.pause, longest_pause);
    return origin;
  }
  return std::nullopt;
}

Instant CatchUp::deadline() const {
  auto when = never;
  for (const auto& [origin, hole] : holes_) when = std::min(when, hole.ask_at);
  return when;
}

}  // namespace tidegate::mesh
