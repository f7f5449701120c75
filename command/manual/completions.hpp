// A shell's offers where the user asks it to complete a command line of `tidegate`: commands,
// flags, settings, the values of those that have few, and files.
#pragma once

#include <string>

#include "command/manual/topics.hpp"

namespace tidegate::manual {

[[nodiscard]] std::string bash_completion(const Topics& topics);
[[nodiscard]] std::string zsh_completion(const Topics& topics);
[[nodiscard]] std::string fish_completion(const Topics& topics);

}  // namespace tidegate::manual
