// How often a benchmark runs: as long as Google Benchmark sees fit, or exactly as often as
// TIDEGATE_BENCH_ITERATIONS says, for instructions.py, which counts instead of measuring.
#pragma once

#include <cstdlib>
#include <string>

#include <benchmark/benchmark.h>

namespace tidegate::bench {

inline void counted(benchmark::internal::Benchmark* one) {
  if (const auto* iterations = std::getenv("TIDEGATE_BENCH_ITERATIONS")) {
    one->Iterations(std::stoll(iterations));
  }
}

}  // namespace tidegate::bench
