// The name of a database role in a flag of a subcommand that prints SQL.
#pragma once

#include <string>
#include <vector>

#include "command/config.hpp"

namespace tidegate::commands {

// Appends what is wrong with it. One that passes needs no quotes within quotes.
void check_role_name(const std::string& flag, const std::string& name,
                     std::vector<command::SettingProblem>& problems);

}  // namespace tidegate::commands
