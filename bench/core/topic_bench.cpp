#include <benchmark/benchmark.h>

#include "bench/core/counted.hpp"
#include "tidegate/topic.hpp"

namespace tidegate::bench {
namespace {

void match_topic(benchmark::State& state) {
  const auto topic = Topic::parse("rows/orders/4711").value();
  const auto pattern = Pattern::parse("rows/*/4711").value();
  for (auto _ : state) benchmark::DoNotOptimize(pattern.matches(topic));
}
BENCHMARK(match_topic)->Apply(counted);

void miss_topic(benchmark::State& state) {
  const auto topic = Topic::parse("rows/orders/4711").value();
  const auto pattern = Pattern::parse("rows/customers/#").value();
  for (auto _ : state) benchmark::DoNotOptimize(pattern.matches(topic));
}
BENCHMARK(miss_topic)->Apply(counted);

}  // namespace
}  // namespace tidegate::bench
