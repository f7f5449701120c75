// A reading application: for every announcement it looks for the announced row on the replica.
#pragma once

#include <string>

#include "demo/member.hpp"

namespace tidegate::demo {

// `database` is what the gate watches: the replica, or empty to be ungated. `replica` is what this
// application reads either way. Runs until it is told to leave; an exit status.
int run_reader(const Mesh& mesh, const std::string& name, const std::string& database,
               const std::string& replica);

}  // namespace tidegate::demo
