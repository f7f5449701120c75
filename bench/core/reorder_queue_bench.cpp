#include <benchmark/benchmark.h>

#include "bench/core/arrivals.hpp"
#include "bench/core/counted.hpp"
#include "lib/gate/reorder_queue.hpp"

namespace tidegate::bench {
namespace {

// The first held message leaves and comes back as the last one.
void pop_and_push(benchmark::State& state) {
  Arrivals arrivals;
  gate::ReorderQueue queue;
  for (auto left = state.range(0); left > 0; --left) queue.push(arrivals.next());
  for (auto _ : state) {
    auto held = queue.pop();
    arrivals.renew(held);
    queue.push(std::move(held));
  }
}
BENCHMARK(pop_and_push)->Apply(counted)->Arg(10)->Arg(10'000)->Arg(1'000'000);

}  // namespace
}  // namespace tidegate::bench
