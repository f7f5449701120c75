// A worker's work beside its part: it rests until its input has a line, and prints what it has
// cost.
#pragma once

#include <chrono>
#include <cstdint>
#include <ctime>

#include "bench/carrier.hpp"
#include "peer/io/clock.hpp"
#include "support/worker_input.hpp"

namespace tidegate::bench {

// Does what the system wants done, until there is a line.
inline void rest_until_told(Sender& sender, const support::WorkerInput& input) {
  while (!input.pending()) {
    sender.rest(io::clock_now() + std::chrono::milliseconds(20));
    sender.flush();
  }
}

// Of the processor, by this process, since its start.
inline std::int64_t cpu_nanoseconds() {
  timespec time{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return time.tv_sec * 1'000'000'000 + time.tv_nsec;
}

}  // namespace tidegate::bench
