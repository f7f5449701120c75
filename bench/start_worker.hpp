// Starts this program again for one part of a bench; main.cpp hands the arguments to that part.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "support/worker.hpp"

namespace tidegate::bench {

inline support::Worker start_worker(const std::string& program,
                                    std::vector<std::string> arguments) {
  auto name = "the process for " + arguments.front();
  arguments.insert(arguments.begin(), {program, "worker"});
  return {std::move(name), std::move(arguments)};
}

// How long a worker may take to leave.
inline constexpr Duration longest_leaving = std::chrono::seconds(5);

}  // namespace tidegate::bench
