// Sleeps to the microsecond: benches wait for scheduled times, and what they oversleep would count
// as latency.
#pragma once

#include <ctime>

#include "peer/io/clock.hpp"

namespace tidegate::bench {

inline void sleep_until(Instant until) {
  const auto since_boot = std::chrono::nanoseconds(until.time_since_epoch()).count();
  const timespec time{since_boot / 1'000'000'000, since_boot % 1'000'000'000};
  while (::clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, nullptr) != 0) {
  }
}

}  // namespace tidegate::bench
