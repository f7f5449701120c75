#include <benchmark/benchmark.h>

#include "bench/core/arrivals.hpp"
#include "bench/core/counted.hpp"

namespace tidegate::bench {
namespace {

// The first held message leaves and comes back as the last one.
void pop_and_push(benchmark::State& state) {
  Arrivals arrivals;
  gate::ReorderQueue<Origin, message::PackedMessage> queue;
  for (auto left = state.range(0); left > 0; --left) queue.push(packed(arrivals.next()));
  for (auto _ : state) {
    auto arrived = unpacked(queue.pop());
    arrivals.renew(arrived);
    queue.push(packed(std::move(arrived)));
  }
}
BENCHMARK(pop_and_push)->Apply(counted)->Arg(10)->Arg(10'000)->Arg(1'000'000);

}  // namespace
}  // namespace tidegate::bench
