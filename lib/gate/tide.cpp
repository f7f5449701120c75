#include "tidegate/tide.hpp"

namespace tidegate {

Visibility visibility_of(const Position& position, const Tide& tide) {
  if (position.system != tide.incarnation.system) return Visibility::foreign;
  if (position.timeline > tide.timeline) return Visibility::pending;
  if (position.timeline < tide.timeline) {
    const auto* ancestor = tide.history.ancestor(position.timeline);
    if (ancestor == nullptr || position.lsn > ancestor->end) return Visibility::orphaned;
  }
  return tide.replayed >= position.lsn ? Visibility::visible : Visibility::pending;
}

}  // namespace tidegate
