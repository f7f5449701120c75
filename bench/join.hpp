// How long peers that start at the same time need until each is ready for every other one, and
// what they cost afterwards while nobody says anything.
#pragma once

#include <cstddef>
#include <string>

#include "bench/report.hpp"
#include "bench/settings.hpp"

namespace tidegate::bench {

void bench_join(const Settings& settings, Report& report);

// The part of one process: a peer that waits for so many others, says "ready <when, ns>", and, when
// its input ends after some quiet time, "cpu <ns>" that it used since.
int run_joiner(const std::string& address, std::size_t others);

}  // namespace tidegate::bench
