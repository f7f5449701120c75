// When the messages of a gate run are due: paced, in bursts, or as a real Buildbot master sent
// them.
#pragma once

#include <string>
#include <vector>

#include "tidegate/time.hpp"

namespace tidegate::bench {

struct Workload {
  std::string name;
  std::vector<Duration> due;  // since the beginning, ascending
};

// `rate` messages a second.
[[nodiscard]] Workload paced(std::size_t rate, double seconds);
// 1,800 messages at the beginning of each of so many seconds, as a busy master has sent them.
[[nodiscard]] Workload bursts(std::size_t seconds);
// The build of data/buildbot_trace_10steps.jsonl: 20 means twenty times as fast. Throws when the
// file can't be read.
[[nodiscard]] Workload buildbot(const std::string& file, double speed);

}  // namespace tidegate::bench
