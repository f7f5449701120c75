// A file of settings to begin with: each setting with what it does, commented out.
#pragma once

#include <string>

#include "command/manual/topics.hpp"

namespace tidegate::manual {

[[nodiscard]] std::string example_file(const Topics& topics);

}  // namespace tidegate::manual
