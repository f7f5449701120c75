// Many seeds on all cores; what they did, and which failed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "tests/sim/run.hpp"

namespace tidegate::sim {

struct Failure {
  std::uint64_t seed = 0;
  std::string what;
};

struct Batch {
  Outcome sum;
  std::vector<Failure> failures;  // by seed
};

// `progress` is told now and then how many are done and how many failed, by one thread at a time.
[[nodiscard]] Batch run_seeds(std::uint64_t first, std::uint64_t count, unsigned threads,
                              const std::function<void(std::uint64_t, std::size_t)>& progress,
                              Worlds worlds = Worlds::both);

// The end of the trace of a seed that fails: it is run again.
[[nodiscard]] std::string end_of_trace_of(std::uint64_t seed, Worlds worlds);

}  // namespace tidegate::sim
