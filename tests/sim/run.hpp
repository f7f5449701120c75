// One run of a seed: chaos, then healing, then what a healthy mesh owes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "tests/sim/chaos.hpp"
#include "tests/sim/oracle.hpp"
#include "tests/sim/trace.hpp"

namespace tidegate::sim {

struct Outcome {
  std::optional<std::string> violation;
  Duration simulated{};
  std::uint64_t steps = 0;
  Totals totals;
  Chaos::Counts chaos;

  void add(const Outcome& other);
};

[[nodiscard]] Outcome run_seed(std::uint64_t seed, Trace& trace);

// For people; several lines.
[[nodiscard]] std::string summary(const Outcome& outcome);

}  // namespace tidegate::sim
