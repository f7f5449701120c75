// The held messages, the one that may go out first on top.
//
// The messages of one source are a queue, entered at its end and left at its front: whatever their
// positions say, they leave in the order in which they came. A small heap orders the queues by
// their fronts: (timeline, LSN, source, sequence), those without a position before all others. That
// costs the same for ten held messages and for a million. A heap of all messages was tried: every
// pop sifts through its whole depth, which is cache misses where most are held.
//
// A million messages may be held, so an entry has only what differs from one message to the next.
// What consecutive ones share is kept once, in a run: a source makes a new one when its cluster is
// promoted, or when a sequence is left out.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

#include "lib/base/must.hpp"
#include "lib/gate/held.hpp"
#include "tidegate/position.hpp"
#include "tidegate/time.hpp"

namespace tidegate::gate {

enum class ReleaseOrder : std::uint8_t {
  position,
  arrival,  // then source and sequence
};

template <SourceKey Source, HoldableItem Item>
class ReorderQueue {
 public:
  using HeldItem = Held<Source, Item>;

  explicit ReorderQueue(ReleaseOrder order = ReleaseOrder::position) : release_order_(order) {}

  void push(HeldItem held);

  // The queue must not be empty.
  [[nodiscard]] std::optional<Position> first_position() const {
    TIDEGATE_MUST(!empty());
    return order_.front().line->second.first_position();
  }
  [[nodiscard]] Instant first_since() const {
    TIDEGATE_MUST(!empty());
    return order_.front().line->second.entries.front().since;
  }
  HeldItem pop();

  // Those that are here since `limit` or longer, as they came, and when the oldest of the
  // others came (`never`: there is none). Looks at every message.
  struct Old {
    std::vector<HeldItem> held;
    Instant oldest_left = never;
  };
  [[nodiscard]] Old take_old(Instant limit);

  [[nodiscard]] bool empty() const { return size_ == 0; }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }  // the sum of the footprints

 private:
  struct Run {
    std::optional<Position> branch;  // the position without its LSN
    std::uint64_t next = 0;          // the sequence of its first message
    std::size_t size = 0;
  };
  struct Entry {
    Lsn lsn;
    Instant since;
    Item item;
  };
  // What is held of one source.
  struct Line {
    std::deque<Run> runs;
    std::deque<Entry> entries;

    [[nodiscard]] std::optional<Position> first_position() const {
      auto position = runs.front().branch;
      if (position) position->lsn = entries.front().lsn;
      return position;
    }
    void push(HeldItem held);
    HeldItem pop(const Source& source);
  };
  using Lines = std::map<Source, Line>;  // some are empty

  // A line in the order, and the place of its front there.
  struct Front {
    std::uint32_t timeline = 0;
    std::uint64_t offset = 0;
    typename Lines::iterator line;

    // The heap has the greatest on top.
    friend bool operator<(const Front& a, const Front& b) {
      if (a.timeline != b.timeline) return a.timeline > b.timeline;
      if (a.offset != b.offset) return a.offset > b.offset;
      return b.line->first < a.line->first;
    }
  };
  [[nodiscard]] Front front_of(typename Lines::iterator line) const;
  void forget_empty_lines();

  ReleaseOrder release_order_;
  Lines lines_;
  std::vector<Front> order_;  // a heap, the line of the first message on top
  std::size_t size_ = 0;
  std::size_t bytes_ = 0;
};

template <SourceKey Source, HoldableItem Item>
void ReorderQueue<Source, Item>::Line::push(HeldItem held) {
  auto branch = held.position;
  const auto lsn = branch ? std::exchange(branch->lsn, Lsn{}) : Lsn{};
  if (runs.empty() || runs.back().next + runs.back().size != held.sequence ||
      runs.back().branch != branch) {
    runs.push_back({std::move(branch), held.sequence, 0});
  }
  ++runs.back().size;
  entries.push_back({lsn, held.since, std::move(held.item)});
}

template <SourceKey Source, HoldableItem Item>
auto ReorderQueue<Source, Item>::Line::pop(const Source& source) -> HeldItem {
  auto& run = runs.front();
  auto& entry = entries.front();
  HeldItem held{std::move(entry.item), first_position(), source, run.next, entry.since};
  entries.pop_front();
  ++run.next;
  if (--run.size == 0) runs.pop_front();
  return held;
}

template <SourceKey Source, HoldableItem Item>
auto ReorderQueue<Source, Item>::front_of(typename Lines::iterator line) const -> Front {
  const auto& [runs, entries] = line->second;
  if (release_order_ == ReleaseOrder::arrival) {
    return {0, static_cast<std::uint64_t>(entries.front().since.time_since_epoch().count()), line};
  }
  const auto& branch = runs.front().branch;
  return {branch ? branch->timeline : 0, entries.front().lsn.bytes, line};
}

template <SourceKey Source, HoldableItem Item>
void ReorderQueue<Source, Item>::push(HeldItem held) {
  bytes_ += held.item.footprint();
  ++size_;
  const auto line = lines_.try_emplace(held.source).first;
  const bool alone = line->second.entries.empty();
  line->second.push(std::move(held));
  if (!alone) return;
  order_.push_back(front_of(line));
  std::push_heap(order_.begin(), order_.end());
  forget_empty_lines();
}

template <SourceKey Source, HoldableItem Item>
auto ReorderQueue<Source, Item>::pop() -> HeldItem {
  TIDEGATE_MUST(!empty());
  std::pop_heap(order_.begin(), order_.end());
  const auto line = order_.back().line;
  auto held = line->second.pop(line->first);
  bytes_ -= held.item.footprint();
  --size_;
  if (line->second.entries.empty()) {
    order_.pop_back();
  } else {
    line->second.entries.front().item.prefetch();
    order_.back() = front_of(line);
    std::push_heap(order_.begin(), order_.end());
  }
  return held;
}

// Rarely enough to cost nothing: those who send on are mostly found again.
template <SourceKey Source, HoldableItem Item>
void ReorderQueue<Source, Item>::forget_empty_lines() {
  if (lines_.size() <= 2 * order_.size() + 64) return;
  std::erase_if(lines_, [](const auto& line) { return line.second.entries.empty(); });
}

template <SourceKey Source, HoldableItem Item>
auto ReorderQueue<Source, Item>::take_old(Instant limit) -> Old {
  Old old;
  order_.clear();
  for (auto line = lines_.begin(); line != lines_.end(); ++line) {
    Line left;
    while (!line->second.entries.empty()) {
      auto held = line->second.pop(line->first);
      if (held.since <= limit) {
        bytes_ -= held.item.footprint();
        --size_;
        old.held.push_back(std::move(held));
      } else {
        old.oldest_left = std::min(old.oldest_left, held.since);
        left.push(std::move(held));
      }
    }
    line->second = std::move(left);
    if (!line->second.entries.empty()) order_.push_back(front_of(line));
  }
  std::make_heap(order_.begin(), order_.end());
  forget_empty_lines();
  std::sort(old.held.begin(), old.held.end(), [](const HeldItem& a, const HeldItem& b) {
    return std::tie(a.since, a.source, a.sequence) < std::tie(b.since, b.source, b.sequence);
  });
  return old;
}

}  // namespace tidegate::gate
