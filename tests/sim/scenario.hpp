// Scenario files: see below.
#pragma once

#include <string>

namespace tidegate::sim {

// Empty when the file says what happens; else how it differs.
[[nodiscard]] std::string check_scenario(const std::string& file, bool rewrite);

}  // namespace tidegate::sim
