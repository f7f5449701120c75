// The held messages, the one that may go out first on top.
//
// The messages of one source are a queue, entered at its end and left at its front: whatever their
// positions say, they leave in the order in which they came. A small heap orders the queues by
// their fronts: (timeline, offset, source), by the later of own and inherited position, messages
// without any before all others. That costs the same for ten held messages and for a million. A
// heap of all messages was tried: every pop sifts through its whole depth, which is cache misses
// where most are held.
//
// A million messages may be held, so an entry has only what differs from one message to the next.
// The part that consecutive ones share is kept once, in a run: a source begins a new one when its
// cluster is promoted, or when a sequence is left out.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <limits>
#include <map>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

#include "lib/base/must.hpp"
#include "lib/gate/branches.hpp"
#include "lib/gate/held.hpp"
#include "lib/message/position_order.hpp"
#include "tidegate/position.hpp"
#include "tidegate/time.hpp"

namespace tidegate::gate {

enum class ReleaseOrder : std::uint8_t {
  position,
  arrival,  // then source and sequence
};

// How far before its offset the change of the position may lie. 0: not known, or so far that it
// makes no difference.
[[nodiscard]] inline std::uint32_t span_of(const Position& position) {
  const auto span = position.offset - position.after;
  const bool told = position.after != 0 && span <= std::numeric_limits<std::uint32_t>::max();
  return told ? static_cast<std::uint32_t>(span) : 0;
}

template <SourceKey Source, HoldableItem Item>
class ReorderQueue {
 public:
  using HeldItem = Held<Source, Item>;

  explicit ReorderQueue(ReleaseOrder order = ReleaseOrder::position) : release_order_(order) {}

  void push(HeldItem&& held);

  // The queue must not be empty. Valid until it changes.
  [[nodiscard]] const Awaited& first_awaited() const {
    TIDEGATE_MUST(!empty());
    return order_.front().line->second.runs.front().awaited;
  }
  [[nodiscard]] Instant first_since() const {
    TIDEGATE_MUST(!empty());
    return order_.front().line->second.entries.front().since;
  }
  HeldItem pop();

  // The sources that have something here: each has a front.
  [[nodiscard]] std::size_t fronts() const { return order_.size(); }

  // Looks at the fronts of all sources instead of the first one only.
  template <typename Decided>
  [[nodiscard]] bool any_front(Decided decided) const {
    return std::any_of(order_.begin(), order_.end(), [&](const Front& front) {
      return decided(front.line->second.runs.front().awaited);
    });
  }
  // The first of the fronts, in release order, that is decided.
  template <typename Decided>
  [[nodiscard]] std::optional<HeldItem> pop_front_that(Decided decided);

  // The histories of all that is held.
  [[nodiscard]] const Branches& branches() const { return branches_; }

  // The part of one source in what is held.
  struct Share {
    std::size_t bytes = 0;
    Branches branches;
  };
  [[nodiscard]] const Share& share_of(const Source& source) const {
    static const Share nothing;
    const auto line = lines_.find(source);
    return line == lines_.end() ? nothing : line->second.share;
  }

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
  struct Entry {
    std::uint64_t own = 0;  // offsets
    std::uint64_t inherited = 0;
    Instant since;
    Item item;
  };
  // Messages with consecutive sequences that wait for places on the same histories.
  struct Run {
    Awaited awaited;         // of the first one
    std::uint64_t next = 0;  // its sequence
    std::size_t size = 0;

    Run(Awaited&& of_first, std::uint64_t sequence)
        : awaited(std::move(of_first)), next(sequence) {}
    [[nodiscard]] bool goes_on_with(const HeldItem& held) const;
    void show(const Entry& entry, std::uint32_t span);
  };
  // The held items of one source.
  struct Line {
    std::deque<Run> runs;
    std::deque<Entry> entries;
    std::deque<std::uint32_t> spans;  // of the entries; beside them, where they would be padded
    Share share;
  };
  using Lines = std::map<Source, Line>;  // some are empty

  // A line in the order, and the place of its front there.
  struct Front {
    TimelineId timeline = 0;
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
  void append(Line& line, HeldItem&& held);
  HeldItem take_first(const Source& source, Line& line);
  HeldItem pop_last_front();
  void forget_empty_lines();

  ReleaseOrder release_order_;
  Lines lines_;
  std::vector<Front> order_;  // a heap, the line of the first message on top
  Branches branches_;
  std::size_t size_ = 0;
  std::size_t bytes_ = 0;
};

template <SourceKey Source, HoldableItem Item>
bool ReorderQueue<Source, Item>::Run::goes_on_with(const HeldItem& held) const {
  const auto same = [](const std::optional<Position>& a, const std::optional<Position>& b) {
    return a ? b && a->branch == b->branch : !b;
  };
  return next + size == held.sequence && same(awaited.own, held.awaited.own) &&
         same(awaited.inherited, held.awaited.inherited);
}

// Its first message is now this one.
template <SourceKey Source, HoldableItem Item>
void ReorderQueue<Source, Item>::Run::show(const Entry& entry, std::uint32_t span) {
  if (awaited.own) {
    awaited.own->offset = entry.own;
    awaited.own->after = span == 0 ? 0 : entry.own - span;
  }
  if (awaited.inherited) awaited.inherited->offset = entry.inherited;
}

template <SourceKey Source, HoldableItem Item>
void ReorderQueue<Source, Item>::append(Line& line, HeldItem&& held) {
  auto& [own, inherited] = held.awaited;
  line.share.bytes += held.item.footprint();
  line.spans.push_back(own ? span_of(*own) : 0);
  line.entries.push_back(
      {own ? own->offset : 0, inherited ? inherited->offset : 0, held.since, std::move(held.item)});
  if (line.runs.empty() || !line.runs.back().goes_on_with(held)) {
    branches_.add(held.awaited);
    line.share.branches.add(held.awaited);
    line.runs.emplace_back(std::move(held.awaited), held.sequence);
  }
  ++line.runs.back().size;
}

template <SourceKey Source, HoldableItem Item>
auto ReorderQueue<Source, Item>::take_first(const Source& source, Line& line) -> HeldItem {
  auto& run = line.runs.front();
  auto& entry = line.entries.front();
  const bool last = --run.size == 0;
  line.share.bytes -= entry.item.footprint();
  if (last) {
    branches_.remove(run.awaited);
    line.share.branches.remove(run.awaited);
  }
  HeldItem held{std::move(entry.item), last ? std::move(run.awaited) : Awaited(run.awaited), source,
                run.next, entry.since};
  line.entries.pop_front();
  line.spans.pop_front();
  if (last) {
    line.runs.pop_front();
  } else {
    ++run.next;
    run.show(line.entries.front(), line.spans.front());
  }
  return held;
}

template <SourceKey Source, HoldableItem Item>
auto ReorderQueue<Source, Item>::front_of(typename Lines::iterator line) const -> Front {
  if (release_order_ == ReleaseOrder::arrival) {
    const auto since = line->second.entries.front().since;
    return {0, static_cast<std::uint64_t>(since.time_since_epoch().count()), line};
  }
  const auto& [own, inherited] = line->second.runs.front().awaited;
  const bool by_own = own && (!inherited || message::precedes(*inherited, *own));
  const auto& later = by_own ? own : inherited;
  return later ? Front{later->timeline(), later->offset, line} : Front{0, 0, line};
}

template <SourceKey Source, HoldableItem Item>
void ReorderQueue<Source, Item>::push(HeldItem&& held) {
  bytes_ += held.item.footprint();
  ++size_;
  const auto line = lines_.try_emplace(held.source).first;
  const bool alone = line->second.entries.empty();
  append(line->second, std::move(held));
  if (!alone) return;
  order_.push_back(front_of(line));
  std::push_heap(order_.begin(), order_.end());
  forget_empty_lines();
}

template <SourceKey Source, HoldableItem Item>
auto ReorderQueue<Source, Item>::pop() -> HeldItem {
  TIDEGATE_MUST(!empty());
  std::pop_heap(order_.begin(), order_.end());
  return pop_last_front();
}

// Of the line at the end of `order_`; the others are a heap.
template <SourceKey Source, HoldableItem Item>
auto ReorderQueue<Source, Item>::pop_last_front() -> HeldItem {
  const auto line = order_.back().line;
  auto held = take_first(line->first, line->second);
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

template <SourceKey Source, HoldableItem Item>
template <typename Decided>
auto ReorderQueue<Source, Item>::pop_front_that(Decided decided) -> std::optional<HeldItem> {
  auto found = order_.end();
  for (auto front = order_.begin(); front != order_.end(); ++front) {
    if (found != order_.end() && *front < *found) continue;
    if (decided(front->line->second.runs.front().awaited)) found = front;
  }
  if (found == order_.end()) return std::nullopt;
  std::iter_swap(found, order_.end() - 1);
  std::make_heap(order_.begin(), order_.end() - 1);
  return pop_last_front();
}

// Rarely enough to cost nothing: sources that send on are mostly found again.
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
      auto held = take_first(line->first, line->second);
      if (held.since <= limit) {
        bytes_ -= held.item.footprint();
        --size_;
        old.held.push_back(std::move(held));
      } else {
        old.oldest_left = std::min(old.oldest_left, held.since);
        append(left, std::move(held));
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
