// How a command that has just joined knows that it has met everybody: by waiting until nobody new
// comes. Only for commands that live for a moment; the peer of an application simply goes on.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>

#include "tidegate/status.hpp"
#include "tidegate/time.hpp"

namespace tidegate::command {

// A peer that has met nobody by then goes on alone.
inline constexpr Duration usual_wait = std::chrono::seconds(3);

class Settling {
 public:
  // `wanted`: as many peers must be ready. Without it: one, and then nobody new, and nobody half
  // known, for a short while.
  explicit Settling(std::optional<std::size_t> wanted) : wanted_(wanted) {}

  // To be asked whenever the peer has turned, and at settles_at(); true once it has settled.
  [[nodiscard]] bool settled(const Status& status, Instant now);

  // When it will have settled if nothing changes.
  [[nodiscard]] Instant settles_at() const { return settles_at_; }

  [[nodiscard]] std::size_t ready() const { return ready_; }

  // Whether the peers that are ready would do when the time is over.
  [[nodiscard]] bool enough() const { return ready_ >= wanted_.value_or(1); }

 private:
  std::optional<std::size_t> wanted_;
  std::size_t ready_ = 0;
  std::size_t known_ = 0;
  Instant changed_{};
  Instant settles_at_ = never;
};

}  // namespace tidegate::command
