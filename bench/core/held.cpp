// The cost of a paused replica: a million messages are held, then one reading covers them all.
// Prints the memory for each message above its payload, and the time that it takes to hold and to
// release it.
//
// Memory is what malloc has given out (uordblks of mallinfo2), its own overhead included. Time is
// that of the processor. A message that arrives is made before the clock runs; the end of a
// released one belongs to its release. The second round shows what is left when the kernel has no
// pages to give, as in a peer that has held as many before.
#include <chrono>
#include <cstdio>
#include <ctime>
#include <limits>
#include <vector>

#include <malloc.h>

#include "bench/core/arrivals.hpp"
#include "lib/base/must.hpp"

using namespace tidegate;
using bench::Gate;

namespace {

constexpr std::size_t count = 1'000'000;
constexpr std::size_t batch = 1'000;  // about as many as a frame brings

using Nanoseconds = std::chrono::duration<double, std::nano>;

Nanoseconds spent() {
  timespec time{};
  TIDEGATE_MUST(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time) == 0);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

double given_out() { return static_cast<double>(mallinfo2().uordblks); }

Nanoseconds hold_all(Gate& gate, bench::Arrivals& arrivals) {
  Nanoseconds taken{};
  while (gate.held().size() < count) {
    std::vector<bench::Arrived> arrived;
    for (std::size_t i = 0; i < batch; ++i) arrived.push_back(arrivals.next());
    const auto begin = spent();
    for (auto& one : arrived) gate.hold(bench::packed(std::move(one)));
    arrived.clear();
    taken += spent() - begin;
  }
  return taken;
}

Nanoseconds release_all(Gate& gate) {
  const auto begin = spent();
  for (std::size_t i = 0; i < count; ++i) {
    auto released = gate.release(bench::start);
    TIDEGATE_MUST(released);
    (void)bench::unpacked(std::move(released->held));
  }
  return spent() - begin;
}

// For each message; bytes above the payload.
struct Cost {
  double bytes = 0;
  Nanoseconds holding;
  Nanoseconds releasing;
};

Cost run() {
  bench::Arrivals arrivals;
  Gate gate(true, std::numeric_limits<std::size_t>::max());
  gate.server_up();
  const auto before = given_out();
  const auto holding = hold_all(gate, arrivals);
  const auto bytes = given_out() - before;
  gate.polled(bench::replayed(arrivals.last()));
  const auto releasing = release_all(gate);
  return {bytes / count - bench::payload_bytes, holding / count, releasing / count};
}

}  // namespace

int main() {
  // Or memory would go back to the kernel after the first round.
  TIDEGATE_MUST(mallopt(M_TRIM_THRESHOLD, std::numeric_limits<int>::max()) == 1);
  TIDEGATE_MUST(mallopt(M_MMAP_MAX, 0) == 1);
  std::printf("%zu messages of %zu bytes, for each:\n", count, bench::payload_bytes);
  std::printf("%-34s %8s %8s %8s\n", "", "bytes", "hold", "release");
  for (const auto* memory : {"memory fresh from the kernel", "memory that the process has"}) {
    const auto [bytes, holding, releasing] = run();
    std::printf("%-34s %8.0f %5.0f ns %5.0f ns\n", memory, bytes, holding.count(),
                releasing.count());
  }
}
