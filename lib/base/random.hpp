// Randomness as an argument: a small generator that its owner seeds.
//
// The standard engines would do, but the standard distributions draw differently in every library,
// so a seed would not mean the same everywhere. This is splitmix64 (Steele, Lea and Flood, "Fast
// splittable pseudorandom number generators", 2014) with a bounded draw of its own. It is good
// enough for jitter and simulations and useless for secrets.
//
// A value type: a copy repeats what the original draws. One thread at a time.
#pragma once

#include <cstdint>

#include "lib/base/must.hpp"
#include "tidegate/time.hpp"

namespace tidegate::base {

class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  [[nodiscard]] std::uint64_t next() {
    state_ += 0x9E3779B97F4A7C15U;
    auto mixed = state_;
    mixed = (mixed ^ (mixed >> 30U)) * 0xBF58476D1CE4E5B9U;
    mixed = (mixed ^ (mixed >> 27U)) * 0x94D049BB133111EBU;
    return mixed ^ (mixed >> 31U);
  }

  // Evenly in [0, bound); bound > 0.
  [[nodiscard]] std::uint64_t below(std::uint64_t bound) {
    TIDEGATE_MUST(bound > 0);
    // 2^64 is rarely a multiple of `bound`: the first 2^64 % bound values would give the small
    // remainders one chance more, so they are drawn again.
    const std::uint64_t uneven = (0 - bound) % bound;
    auto drawn = next();
    while (drawn < uneven) drawn = next();
    return drawn % bound;
  }

  // Evenly in [low, high); low < high.
  [[nodiscard]] Duration between(Duration low, Duration high) {
    TIDEGATE_MUST(low < high);
    return low + Duration(below(static_cast<std::uint64_t>((high - low).count())));
  }

 private:
  std::uint64_t state_;
};

}  // namespace tidegate::base
