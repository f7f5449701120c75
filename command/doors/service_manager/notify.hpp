// The words between a service and its manager. Of the two files behind this header one is built:
// that of libsystemd, or where it is not installed the one that has nobody to speak to.
#pragma once

#include <optional>
#include <string>

#include "tidegate/time.hpp"

namespace tidegate::service_manager {

[[nodiscard]] bool wants_to_know();

// Lines of NAME=value. A manager that does not listen is no trouble of the peer's.
void notify(const std::string& lines);

// How long the manager waits for a sign of life; nothing: it does not.
[[nodiscard]] std::optional<Duration> watchdog();

}  // namespace tidegate::service_manager
