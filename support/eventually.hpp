// Waiting for something that only becomes true by itself: a replica that catches up, a peer that
// appears. A fixed sleep is either too short or too long; this asks again after short pauses and
// gives up at a bound.
#pragma once

#include <algorithm>
#include <chrono>
#include <thread>

#include "tidegate/time.hpp"

namespace tidegate::support {

// True as soon as `predicate` is; false when it still is not after `bound`. The predicate is asked
// at least once, and once more at the bound. Exceptions pass through.
template <typename Predicate>
[[nodiscard]] bool eventually(Duration bound, Predicate&& predicate) {
  constexpr Duration longest_pause = std::chrono::milliseconds(20);
  const auto end = std::chrono::steady_clock::now() + bound;
  for (Duration pause = std::chrono::milliseconds(1);; pause = std::min(2 * pause, longest_pause)) {
    if (predicate()) return true;
    const Duration left = end - std::chrono::steady_clock::now();
    if (left <= Duration::zero()) return false;
    std::this_thread::sleep_for(std::min(pause, left));
  }
}

}  // namespace tidegate::support
