// How long a peer needs to fetch what it has missed: it asks for all that a publisher still keeps,
// the way it does after a cut.
#pragma once

#include "bench/report.hpp"
#include "bench/settings.hpp"

namespace tidegate::bench {

void bench_catchup(const Settings& settings, Report& report);

// The part of one process: a peer that has published so many messages, until its input ends.
int run_publisher(const std::string& address, std::size_t messages, std::size_t size);

}  // namespace tidegate::bench
