// The held messages, the one that may go out first on top.
//
// The order is (timeline, LSN, origin, sequence), messages without a position before all others.
// Since the positions of one origin never go back, it keeps every origin's own order.
//
// A binary heap of small entries that point to their messages: messages arrive nearly sorted, so a
// push ends after a comparison or two, and moving entries never moves a payload. A sorted tree
// would cost a node for each message and two cache misses for each step.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "instant.hpp"
#include "message.hpp"

namespace tidegate {

struct Held {
  Message message;
  Origin origin;
  std::uint64_t sequence = 0;
  Instant since;  // its arrival
};

class ReorderQueue {
 public:
  void push(Held held);
  // Behind everything that was pushed this way before, whatever its position.
  void push_last(Held held);

  // The queue must not be empty. The reference lives until the next push or pop.
  [[nodiscard]] const Held& top() const;
  Held pop();

  // Those that are here since `limit` or longer, as they came, and when the oldest of the
  // others came (`never`: there is none). Looks at every message.
  struct Old {
    std::vector<Held> held;
    Instant oldest_left;
  };
  [[nodiscard]] Old take_old(Instant limit);

  [[nodiscard]] bool empty() const { return heap_.empty(); }
  [[nodiscard]] std::size_t size() const { return heap_.size(); }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }  // the sum of the footprints

 private:
  struct Entry {
    TimelineId timeline;
    Lsn lsn;
    std::unique_ptr<Held> held;
  };
  static bool later(const Entry& a, const Entry& b);
  void add(TimelineId timeline, Lsn lsn, Held held);

  std::vector<Entry> heap_;
  std::size_t bytes_ = 0;
  std::uint64_t pushed_last_ = 0;
};

}  // namespace tidegate
