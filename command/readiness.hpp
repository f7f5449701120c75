// Whether the server that a peer reads shows in time what is announced: what a load balancer asks
// before it sends an application's readers there.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "tidegate/status.hpp"
#include "tidegate/time.hpp"

namespace tidegate::command {

// The bound of who names none.
inline constexpr Duration usual_lag = std::chrono::seconds(10);

// For how long the oldest change that was announced here is not shown by the database; 0: it shows
// all that waits. Nothing when that is not known: no database, or it does not answer.
[[nodiscard]] std::optional<Duration> lag(const Status& status);

struct Readiness {
  bool ready = false;
  std::string text;  // one line: "ready", or why not
};

// Not ready: a lag above the bound, and a server that does not answer. A peer that reads no server
// waits for nothing.
[[nodiscard]] Readiness readiness(const Status& status, Duration bound);

}  // namespace tidegate::command
