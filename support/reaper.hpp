// Runs a command so that nothing of it is left, however it ends: it gets a temporary directory,
// and whatever its processes leave behind becomes our child and is ended too.
//
// So the command, which runs servers and other processes, needs no word about signals: it may be
// killed at any point, in the middle of initdb as well. Rejected: a flag that a signal handler
// sets, since every wait would have to ask for it.
#pragma once

#include <string>
#include <vector>

namespace tidegate::support {

// Returns the command's exit status, or 128 + the signal's number when it, or we, got a signal.
// `program` stands before what is said then.
int run_and_reap(const std::string& program, const std::vector<std::string>& command);

}  // namespace tidegate::support
