// The events that a thing driven by a reactor waits for, and those that have come.
#pragma once

#include <cstdint>

namespace tidegate::io {

// A descriptor to be watched, level-triggered. It may change with every call that is not const.
struct Interest {
  int descriptor = -1;  // -1: nothing but the deadline
  bool read = false;
  bool write = false;
  // Another number means that the descriptor may be another socket, even under the same number, and
  // that the one before is closed. One that calls poll() can ignore it.
  std::uint64_t socket = 0;

  friend bool operator==(const Interest&, const Interest&) = default;
};

// Errors and the end of the other side are told even if nothing was asked for.
struct Readiness {
  bool read = false;
  bool write = false;
  bool error = false;
};

}  // namespace tidegate::io
