// The demo itself: makes the servers, starts the writer and the readers, watches them, and tells.
#pragma once

#include <string>

#include "demo/settings.hpp"

namespace tidegate::demo {

// `program` is the path of this program, which is started again for each member of the mesh.
// Returns the exit status. Throws std::runtime_error when something can't be started.
int run_stage(const std::string& program, const Settings& settings);

}  // namespace tidegate::demo
