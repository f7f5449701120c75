// The settings that a user may choose, and how often the writer writes.
#pragma once

#include <chrono>

#include "tidegate/time.hpp"

namespace tidegate::demo {

struct Settings {
  int rows = 300;                        // that the writer commits
  std::chrono::milliseconds delay{150};  // recovery_min_apply_delay of the replica
};

// About 30 rows a second: slow enough to watch.
inline constexpr Duration between_rows = std::chrono::milliseconds(33);

}  // namespace tidegate::demo
