// One run: who carries how many messages of which size to how many processes.
#pragma once

#include <chrono>
#include <cstddef>

#include "tidegate/time.hpp"

namespace tidegate::bench {

struct Plan {
  std::size_t receivers = 1;
  std::size_t size = 256;   // bytes of a payload
  std::size_t count = 0;    // messages that are measured
  std::size_t warm_up = 0;  // messages before them
  Duration interval{};      // between two of them; zero: as fast as they are taken
};

}  // namespace tidegate::bench
