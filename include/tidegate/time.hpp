// Time as an argument. `Clock` names the time base but cannot be asked for the time: only the loop
// reads a real clock, once for each turn, and a simulator makes its own instants.
#pragma once

#include <chrono>

#include "tidegate/export.hpp"

namespace tidegate {

struct Clock {
  using duration = std::chrono::nanoseconds;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<Clock>;
  static constexpr bool is_steady = true;
};

// A point on a steady clock whose origin is unspecified; comparable within one process only.
using Instant = Clock::time_point;
using Duration = Clock::duration;

// The deadline of something that is not waiting for time.
inline constexpr Instant never = Instant::max();

}  // namespace tidegate
