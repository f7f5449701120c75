// One run of a seed in the world of the outbox: chaos, then healing, then all that survives is
// done.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "tests/sim/outbox_world.hpp"
#include "tests/sim/trace.hpp"

namespace tidegate::sim {

struct OutboxOutcome {
  std::optional<std::string> violation;
  Duration simulated{};
  OutboxCounts counts;
  std::uint64_t faults = 0;
  std::uint64_t promotions = 0;

  void add(const OutboxOutcome& other);
};

// `files_lie`: what is synced is lost all the same, which must be noticed.
[[nodiscard]] OutboxOutcome run_outbox_seed(std::uint64_t seed, Trace& trace,
                                            bool files_lie = false);

// For people; several lines.
[[nodiscard]] std::string summary(const OutboxOutcome& outcome);

}  // namespace tidegate::sim
