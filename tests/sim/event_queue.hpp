// Virtual time: what will happen, and when. Two things at the same instant happen in the order in
// which they were put down, so a run depends on nothing but its seed.
//
// A heap of small entries that name a slot: moving entries never moves a function.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "lib/base/must.hpp"
#include "tidegate/time.hpp"

namespace tidegate::sim {

class EventQueue {
 public:
  using Event = std::function<void()>;

  explicit EventQueue(Instant now) : start_(now), now_(now) {}

  [[nodiscard]] Instant now() const { return now_; }
  [[nodiscard]] Duration elapsed() const { return now_ - start_; }

  void at(Instant when, Event event) {
    std::uint32_t slot = 0;
    if (free_.empty()) {
      slot = static_cast<std::uint32_t>(slots_.size());
      slots_.push_back(std::move(event));
    } else {
      slot = free_.back();
      free_.pop_back();
      slots_[slot] = std::move(event);
    }
    heap_.push_back({std::max(when, now_), ++order_, slot});
    std::push_heap(heap_.begin(), heap_.end(), later);
  }
  void after(Duration delay, Event event) { at(now_ + delay, std::move(event)); }

  // `never` when nothing will.
  [[nodiscard]] Instant next() const { return heap_.empty() ? never : heap_.front().when; }

  // Runs the next event, at its time.
  void run_next() {
    TIDEGATE_MUST(!heap_.empty());
    std::pop_heap(heap_.begin(), heap_.end(), later);
    const auto entry = heap_.back();
    heap_.pop_back();
    pass_to(entry.when);
    const auto event = std::exchange(slots_[entry.slot], nullptr);
    free_.push_back(entry.slot);
    event();
  }

  void pass_to(Instant when) { now_ = std::max(now_, when); }

 private:
  struct Entry {
    Instant when;
    std::uint64_t order = 0;
    std::uint32_t slot = 0;
  };
  static bool later(const Entry& a, const Entry& b) {
    return a.when != b.when ? a.when > b.when : a.order > b.order;
  }

  Instant start_;
  Instant now_;
  std::uint64_t order_ = 0;
  std::vector<Entry> heap_;
  std::vector<Event> slots_;
  std::vector<std::uint32_t> free_;
};

}  // namespace tidegate::sim
