#include "lib/gate/reorder_queue.hpp"

#include <algorithm>
#include <iterator>
#include <tuple>
#include <utility>

#include "lib/base/must.hpp"
#include "lib/message/footprint.hpp"

namespace tidegate::gate {

bool ReorderQueue::later(const Sources::iterator& a, const Sources::iterator& b) {
  const auto& [from_a, held_a] = *a;
  const auto& [from_b, held_b] = *b;
  if (from_a.timeline != from_b.timeline) return from_a.timeline > from_b.timeline;
  const auto& first_a = held_a.front();
  const auto& first_b = held_b.front();
  if (first_a.lsn != first_b.lsn) return first_a.lsn > first_b.lsn;
  const auto sequence_a = first_a.message.sequence();
  const auto sequence_b = first_b.message.sequence();
  return std::tie(from_a.origin, sequence_a) > std::tie(from_b.origin, sequence_b);
}

void ReorderQueue::push(Held held) {
  const auto position = held.message.position.value_or(Position{});
  add(position.timeline, position.lsn, std::move(held));
}

void ReorderQueue::push_last(Held held) { add(0, Lsn{++pushed_last_}, std::move(held)); }

void ReorderQueue::add(TimelineId timeline, Lsn lsn, Held held) {
  bytes_ += message::footprint(held.message);
  ++size_;
  auto branch = held.message.position;
  if (branch) branch->lsn = Lsn{};
  const auto [source, is_new] = sources_.try_emplace({timeline, held.origin, branch});
  auto& queue = source->second;
  const auto behind = [&](const Entry& entry) {
    if (entry.lsn != lsn) return entry.lsn > lsn;
    return entry.message.sequence() > held.sequence;
  };
  auto place = queue.end();
  while (place != queue.begin() && behind(*std::prev(place))) --place;
  const bool first = place == queue.begin();
  const bool alone = queue.empty();
  queue.insert(place, {lsn, {std::move(held.message), held.sequence, held.since}});
  if (alone) {
    order_.push_back(source);
    std::push_heap(order_.begin(), order_.end(), later);
  } else if (first) {
    std::make_heap(order_.begin(), order_.end(), later);
  }
  // Rarely enough to cost nothing: those who send on are mostly found again.
  if (is_new && sources_.size() > 2 * order_.size() + 64) {
    std::erase_if(sources_, [](const auto& entry) { return entry.second.empty(); });
  }
}

std::optional<Position> ReorderQueue::first_position() const {
  TIDEGATE_MUST(!empty());
  const auto& [source, queue] = *order_.front();
  return position(source, queue.front());
}

Instant ReorderQueue::first_since() const {
  TIDEGATE_MUST(!empty());
  return order_.front()->second.front().message.since();
}

Held ReorderQueue::pop() {
  TIDEGATE_MUST(!empty());
  std::pop_heap(order_.begin(), order_.end(), later);
  const auto source = order_.back();
  auto& [from, queue] = *source;
  auto held = unpack(from, queue.front());
  queue.pop_front();
  if (queue.empty()) {
    order_.pop_back();
  } else {
    queue.front().message.prefetch();
    std::push_heap(order_.begin(), order_.end(), later);
  }
  return held;
}

std::optional<Position> ReorderQueue::position(const Source& source, const Entry& entry) {
  auto position = source.branch;
  if (position) position->lsn = entry.message.lsn();
  return position;
}

Held ReorderQueue::unpack(const Source& source, Entry& entry) {
  Held held{entry.message.unpack(), source.origin, entry.message.sequence(), entry.message.since()};
  held.message.position = position(source, entry);
  bytes_ -= message::footprint(held.message);
  --size_;
  return held;
}

ReorderQueue::Old ReorderQueue::take_old(Instant limit) {
  Old old{{}, never};
  order_.clear();
  for (auto source = sources_.begin(); source != sources_.end();) {
    auto& [from, queue] = *source;
    std::deque<Entry> left;
    for (auto& entry : queue) {
      const auto since = entry.message.since();
      if (since <= limit) {
        old.held.push_back(unpack(from, entry));
      } else {
        old.oldest_left = std::min(old.oldest_left, since);
        left.push_back(std::move(entry));
      }
    }
    queue = std::move(left);
    if (queue.empty()) {
      source = sources_.erase(source);
    } else {
      order_.push_back(source++);
    }
  }
  std::make_heap(order_.begin(), order_.end(), later);
  std::sort(old.held.begin(), old.held.end(), [](const Held& a, const Held& b) {
    return std::tie(a.since, a.origin, a.sequence) < std::tie(b.since, b.origin, b.sequence);
  });
  return old;
}

}  // namespace tidegate::gate
