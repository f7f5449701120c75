#include "reorder_queue.hpp"

#include <algorithm>
#include <tuple>

#include "must.hpp"

namespace tidegate {

bool ReorderQueue::later(const Entry& a, const Entry& b) {
  if (a.timeline != b.timeline) return a.timeline > b.timeline;
  if (a.lsn != b.lsn) return a.lsn > b.lsn;
  return std::tie(a.held->origin, a.held->sequence) > std::tie(b.held->origin, b.held->sequence);
}

void ReorderQueue::push(Held held) {
  const auto position = held.message.position.value_or(Position{});
  add(position.timeline, position.lsn, std::move(held));
}

void ReorderQueue::push_last(Held held) { add(0, Lsn{++pushed_last_}, std::move(held)); }

void ReorderQueue::add(TimelineId timeline, Lsn lsn, Held held) {
  bytes_ += footprint(held.message);
  heap_.push_back({timeline, lsn, std::make_unique<Held>(std::move(held))});
  std::push_heap(heap_.begin(), heap_.end(), later);
}

const Held& ReorderQueue::top() const {
  TIDEGATE_MUST(!heap_.empty());
  return *heap_.front().held;
}

Held ReorderQueue::pop() {
  TIDEGATE_MUST(!heap_.empty());
  std::pop_heap(heap_.begin(), heap_.end(), later);
  auto held = std::move(*heap_.back().held);
  heap_.pop_back();
  bytes_ -= footprint(held.message);
  return held;
}

}  // namespace tidegate
