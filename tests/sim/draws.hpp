// Short ways to draw.
#pragma once

#include <cstdint>

#include "lib/base/random.hpp"

namespace tidegate::sim {

// True so often of a million.
inline bool happens(base::Random& random, std::uint32_t per_million) {
  return per_million > 0 && random.below(1'000'000) < per_million;
}

// True once in `n`.
inline bool one_in(base::Random& random, std::uint64_t n) { return random.below(n) == 0; }

// Evenly in [low, high], ends included.
inline std::uint64_t from_to(base::Random& random, std::uint64_t low, std::uint64_t high) {
  return low + random.below(high - low + 1);
}

// Up to `most`, short ones far more often: a tenth of the range is drawn as often as the rest.
inline Duration up_to(base::Random& random, Duration most) {
  const auto range = one_in(random, 2) ? most : most / 10;
  return Duration(random.below(static_cast<std::uint64_t>(range.count()) + 1));
}

}  // namespace tidegate::sim
