// The soak itself: makes the servers, the network and the peers, lets faults happen, waits until
// all is quiet, and judges.
#pragma once

#include <string>

#include "tests/soak/settings.hpp"

namespace tidegate::soak {

// `program` is the path of this program, which is started again for each peer. Returns the exit
// status. Throws std::runtime_error when something can't be started or has ended by itself.
int run_stage(const std::string& program, const Settings& settings);

}  // namespace tidegate::soak
