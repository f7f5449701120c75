// The work of a running peer that removes old rows of an outbox, for `tidegate status`.
#pragma once

#include <cstdint>
#include <string>

#include "tidegate/time.hpp"

namespace tidegate::command {

// Since its start.
struct OutboxRemoval {
  std::uint64_t rows = 0;
  std::uint64_t slices = 0;  // that have removed some
  Duration longest{};        // slice, with the way to the server
  std::string trouble;       // why nothing is removed; empty: all is well

  friend bool operator==(const OutboxRemoval&, const OutboxRemoval&) = default;
};

}  // namespace tidegate::command
