#include <limits>
#include <utility>

#include <benchmark/benchmark.h>

#include "bench/core/arrivals.hpp"
#include "bench/core/counted.hpp"

namespace tidegate::bench {
namespace {

// The server replays as fast as messages arrive: a reading covers the first of those that are held,
// which leaves and comes back as the last one.
void release_and_hold(benchmark::State& state) {
  Arrivals arrivals;
  Gate gate(true, std::numeric_limits<std::size_t>::max());
  gate.server_up();
  for (auto left = state.range(0); left > 0; --left) gate.hold(packed(arrivals.next()));
  for (auto _ : state) {
    gate.polled(replayed(gate.held().first_awaited().own->offset));
    auto arrived = unpacked(std::move(gate.release(start)->held));
    arrivals.renew(arrived);
    const auto& message = arrived.message;
    benchmark::DoNotOptimize(gate.takes(arrived.origin, message.position, message.inherited,
                                        message::footprint(message), true));
    gate.hold(packed(std::move(arrived)));
  }
}
BENCHMARK(release_and_hold)->Apply(counted)->Arg(10)->Arg(10'000)->Arg(1'000'000);

}  // namespace
}  // namespace tidegate::bench
