// The one place where the time is read.
#pragma once

#include <chrono>
#include <cstdint>

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

}  // namespace tidegate::io
