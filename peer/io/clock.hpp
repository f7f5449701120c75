// The one place where the time is read.
#pragma once

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>

#include "tidegate/time.hpp"

namespace tidegate::io {

[[nodiscard]] inline Instant clock_now() {
  return Instant(std::chrono::steady_clock::now().time_since_epoch());
}

// Microseconds since 1970; for names (incarnations), never for measuring.
[[nodiscard]] inline std::uint64_t wall_clock_microseconds() {
  const auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(since_epoch).count());
}

// From now on; not negative, and for `never` more than anybody waits.
[[nodiscard]] inline std::chrono::milliseconds until(Instant when) {
  return std::max(std::chrono::ceil<std::chrono::milliseconds>(when - clock_now()),
                  std::chrono::milliseconds(0));
}

// Waits until `is()`, at most until then, and answers whether it is so.
template <typename Condition>
bool wait_until(std::condition_variable& changed, std::unique_lock<std::mutex>& lock, Instant when,
                Condition is) {
  if (when == never) {
    changed.wait(lock, is);
    return true;
  }
  const std::chrono::steady_clock::time_point end(when.time_since_epoch());
  return changed.wait_until(lock, end, is);
}

}  // namespace tidegate::io
