// The messages of one stream that a durable subscription is done with: acknowledged, or not for it.
// All below next() are, and above it those that were acknowledged out of turn.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

namespace tidegate::stomp {

class Settled {
 public:
  struct Range {
    std::uint64_t first = 0;  // both included
    std::uint64_t last = 0;

    friend bool operator==(const Range&, const Range&) = default;
  };

  explicit Settled(std::uint64_t next = 1) : next_(next) {}

  void settle(Range range);

  [[nodiscard]] std::uint64_t next() const { return next_; }  // the first one that is not
  [[nodiscard]] bool has(std::uint64_t sequence) const;
  // The parts of a range that are not settled, in order.
  [[nodiscard]] std::vector<Range> open_parts(Range range) const;
  [[nodiscard]] std::vector<Range> above() const;  // next()

  friend bool operator==(const Settled&, const Settled&) = default;

 private:
  std::uint64_t next_;
  std::map<std::uint64_t, std::uint64_t> above_;  // first and last; they never touch each other
};

}  // namespace tidegate::stomp
