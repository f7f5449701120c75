// Whether a position is that of something, and how two of them stand to each other.
#pragma once

#include <span>

#include "tidegate/position.hpp"

namespace tidegate::message {

// It is the position of something, which can be asked for.
[[nodiscard]] inline bool is_somewhere(const Position& position) {
  return position.history().known() && position.cluster() != 0 && position.offset != 0 &&
         position.after < position.offset;
}

// The order in which positions are released: by the number of the timeline, then the offset. Within
// one history it is that of the log; otherwise it is only an order.
[[nodiscard]] inline bool precedes(const Position& a, const Position& b) {
  if (a.timeline() != b.timeline()) return a.timeline() < b.timeline();
  return a.offset < b.offset;
}

// The timelines through which the position was reached, without those that begin only there: what
// was read right after a promotion, before anything was written, lies on the timeline before it.
[[nodiscard]] std::span<const HistoryEntry> way_to(const Position& position);

// A server that shows `one` shows `other` as well, since it lies on the way.
[[nodiscard]] bool implies(const Position& one, const Position& other);

}  // namespace tidegate::message
