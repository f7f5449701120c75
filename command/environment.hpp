// Variables of the environment.
#pragma once

#include <cstdlib>
#include <string>

namespace tidegate::command {

// Empty when it is not set.
[[nodiscard]] inline std::string from_environment(const char* name) {
  const auto* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

}  // namespace tidegate::command
