// The pauses between attempts at something that others attempt as well.
//
// Exponential, with full jitter: each pause is drawn evenly from nearly nothing up to a bound that
// doubles with every attempt. Many that lost the same server at the same moment come back spread
// out. A fixed sequence was rejected: they would all come back at the same moment, each time.
//
// A value type. Randomness comes from the owner.
#pragma once

#include <algorithm>

#include "lib/base/random.hpp"
#include "tidegate/time.hpp"

namespace tidegate::base {

class Backoff {
 public:
  Backoff(Duration shortest, Duration longest)
      : shortest_(shortest), longest_(longest), bound_(shortest) {}

  // At least a tenth of the shortest bound.
  [[nodiscard]] Duration next(Random& random) {
    const auto pause = random.between(shortest_ / 10, bound_);
    bound_ = std::min(2 * bound_, longest_);
    return pause;
  }

  // No pause is longer.
  [[nodiscard]] Duration longest() const { return longest_; }
  // The next pause is shorter.
  [[nodiscard]] Duration bound() const { return bound_; }

  void reset() { bound_ = shortest_; }

 private:
  Duration shortest_;
  Duration longest_;
  Duration bound_;
};

}  // namespace tidegate::base
