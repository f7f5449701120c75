// The writing application: commits rows on the primary and announces each after its commit.
#pragma once

#include <string>

#include "demo/member.hpp"

namespace tidegate::demo {

// Runs until it is told to leave; an exit status.
int run_writer(const Mesh& mesh, const std::string& primary, int rows);

}  // namespace tidegate::demo
