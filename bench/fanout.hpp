// How long a message takes to N processes when messages are paced, and how many a second arrive in
// a flood: for tidegate and what its users would pick instead, interleaved, so that what else the
// machine does meets all alike.
#pragma once

#include "bench/report.hpp"
#include "bench/settings.hpp"

namespace tidegate::bench {

void bench_fanout(const Settings& settings, Report& report);

}  // namespace tidegate::bench
