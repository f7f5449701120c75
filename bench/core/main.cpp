// The benchmarks of lib/; --help tells what Google Benchmark offers.
#include <benchmark/benchmark.h>

BENCHMARK_MAIN();
