// Sums of time that end at the ends of the scale instead of wrapping. Every duration that a user
// gives goes through here once: milliseconds::max() and Duration::max() mean for ever, and what is
// negative is over already.
#pragma once

#include <algorithm>
#include <chrono>

#include "tidegate/time.hpp"

namespace tidegate::base {

// As a Duration, which has fewer hours than the coarser units have.
template <typename Rep, typename Period>
[[nodiscard]] constexpr Duration saturated(std::chrono::duration<Rep, Period> time) {
  using Given = std::chrono::duration<Rep, Period>;
  if (time >= std::chrono::duration_cast<Given>(Duration::max())) return Duration::max();
  if (time <= std::chrono::duration_cast<Given>(Duration::min())) return Duration::min();
  return std::chrono::duration_cast<Duration>(time);
}

// So much after `now`; at most `never`, and not before `now`.
template <typename Rep, typename Period>
[[nodiscard]] constexpr Instant later(Instant now, std::chrono::duration<Rep, Period> by) {
  const auto time = saturated(by);
  if (time <= Duration::zero()) return now;
  const auto left = now.time_since_epoch() > Duration::zero() ? never - now : Duration::max();
  return time >= left ? never : now + time;
}

// A setting that is added to instants again and again: of those that are for ever, a century.
[[nodiscard]] constexpr Duration bounded(Duration setting) {
  return std::min<Duration>(setting, std::chrono::hours(24 * 365 * 100));
}

}  // namespace tidegate::base
