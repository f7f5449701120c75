#include "command/readiness.hpp"

#include "command/units.hpp"

namespace tidegate::command {

std::optional<Duration> lag(const Status& status) {
  if (!status.tide) return std::nullopt;
  // While the application takes nothing, messages wait for it.
  return status.held > 0 && status.taking ? status.held_longest : Duration::zero();
}

Readiness readiness(const Status& status, Duration bound) {
  if (!status.gated) return {true, "ready: no server is read, so nothing is waited for"};
  const auto waited = lag(status);
  if (!waited) return {false, "not ready: the server that is read does not answer"};
  if (*waited > bound) {
    return {false, "not ready: a change that was announced " + rough_duration(*waited) +
                       " ago is not shown; the bound is " + exact_duration(bound)};
  }
  return {true, "ready"};
}

}  // namespace tidegate::command
