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

ReorderQueue::Old ReorderQueue::take_old(Instant limit) {
  Old old{{}, never};
  const auto first_old = std::partition(
      heap_.begin(), heap_.end(), [&](const Entry& entry) { return entry.held->since > limit; });
  if (first_old != heap_.end()) {
    std::sort(first_old, heap_.end(), [](const Entry& a, const Entry& b) {
      return std::tie(a.held->since, a.held->origin, a.held->sequence) <
             std::tie(b.held->since, b.held->origin, b.held->sequence);
    });
    for (auto entry = first_old; entry != heap_.end(); ++entry) {
      bytes_ -= footprint(entry->held->message);
      old.held.push_back(std::move(*entry->held));
    }
    heap_.erase(first_old, heap_.end());
  }
  std::make_heap(heap_.begin(), heap_.end(), later);
  for (const auto& entry : heap_) old.oldest_left = std::min(old.oldest_left, entry.held->since);
  return old;
}

}  // namespace tidegate
