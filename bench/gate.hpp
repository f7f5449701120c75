// The race that tidegate ends, on a real primary and replica: how many announcements arrive before
// their row is readable, and what it costs to wait for it, by the gate and by the usual cures.
#pragma once

#include "bench/report.hpp"
#include "bench/settings.hpp"

namespace tidegate::bench {

void bench_gate(const Settings& settings, Report& report);

}  // namespace tidegate::bench
