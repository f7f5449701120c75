#include "tidegate/tide.hpp"

namespace tidegate {

Cover cover(const Position& position, const Tide& tide) {
  if (position.system != tide.instance.system) return Cover::foreign;
  if (position.timeline > tide.timeline) return Cover::wait;
  if (position.timeline < tide.timeline) {
    const auto* ancestor = tide.history.ancestor(position.timeline);
    if (ancestor == nullptr || position.lsn > ancestor->end) return Cover::orphaned;
  }
  return tide.replayed >= position.lsn ? Cover::covered : Cover::wait;
}

}  // namespace tidegate
