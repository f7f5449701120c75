// One run of a seed: chaos, then healing, then what a healthy mesh owes; and beside it the world of
// the outbox, of the same seed, which has nothing to do with the mesh.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "tests/sim/chaos.hpp"
#include "tests/sim/oracle.hpp"
#include "tests/sim/outbox_run.hpp"
#include "tests/sim/trace.hpp"

namespace tidegate::sim {

struct Outcome {
  std::optional<std::string> violation;
  Duration simulated{};
  std::uint64_t steps = 0;
  Totals totals;
  Chaos::Counts chaos;
  OutboxOutcome outbox;

  void add(const Outcome& other);
};

enum class Worlds : std::uint8_t { both, mesh, outbox };

[[nodiscard]] Outcome run_seed(std::uint64_t seed, Trace& trace, Worlds worlds = Worlds::both);

// For people; several lines.
[[nodiscard]] std::string summary(const Outcome& outcome);

}  // namespace tidegate::sim
