// Are there enough threads, descriptors and memory left? Libraries end the process where they get
// none, so it is tried before: the limits alone do not tell, since others use them up too.
//
// All that was tried is given back at once. Another thread may take it in between; that is a matter
// of microseconds, and the figures leave some room.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "tidegate/result.hpp"

namespace tidegate::io {

struct Headroom {
  int descriptors = 0;
  int threads = 0;
  std::size_t bytes = 0;  // of memory
};

// Nothing: all of it can be had. The error names the limit, its value, and the cure.
[[nodiscard]] std::optional<Error> lacks(const Headroom& wanted);

// Why there is no other thread, and the cure.
[[nodiscard]] std::string no_thread_left();

}  // namespace tidegate::io
