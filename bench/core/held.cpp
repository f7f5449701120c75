// What a paused replica costs: a million messages are held, then one reading covers them all. Tells
// the memory for each message above its payload, and the time that it takes to hold and to release
// it.
//
// Memory is what malloc has given out (mallinfo2: uordblks and hblkhd), its own overhead included.
// A message that arrives is made before the clock runs; the end of a released one belongs to its
// release.
#include <chrono>
#include <cstdio>
#include <limits>
#include <vector>

#include <malloc.h>
#include <time.h>

#include "arrivals.hpp"
#include "lib/gate.hpp"
#include "lib/must.hpp"

using namespace tidegate;

namespace {

constexpr std::size_t count = 1'000'000;
constexpr std::size_t batch = 1'000;  // about as many as a frame brings

using Nanoseconds = std::chrono::duration<double, std::nano>;

// Of the processor, so that what else runs on the machine counts as little as possible.
Nanoseconds spent() {
  timespec time{};
  TIDEGATE_MUST(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time) == 0);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

double given_out() {
  const auto info = mallinfo2();
  return static_cast<double>(info.uordblks + info.hblkhd);
}

Nanoseconds hold_all(Gate& gate, bench::Arrivals& arrivals) {
  Nanoseconds taken{};
  while (gate.held().size() < count) {
    std::vector<Held> arrived;
    for (std::size_t i = 0; i < batch; ++i) arrived.push_back(arrivals.next());
    const auto begin = spent();
    for (auto& held : arrived) TIDEGATE_MUST(gate.hold(held, true));
    arrived.clear();
    taken += spent() - begin;
  }
  return taken;
}

Nanoseconds release_all(Gate& gate) {
  const auto begin = spent();
  for (std::size_t i = 0; i < count; ++i) TIDEGATE_MUST(gate.release(bench::start));
  return spent() - begin;
}

}  // namespace

int main() {
  bench::Arrivals arrivals;
  Gate gate(true, std::numeric_limits<std::size_t>::max());
  gate.server_up();

  const auto before = given_out();
  const auto holding = hold_all(gate, arrivals);
  const auto bytes = given_out() - before;
  gate.polled(bench::replayed(arrivals.last()));
  const auto releasing = release_all(gate);

  std::printf("%zu messages of %zu bytes\n", count, bench::payload_bytes);
  std::printf("memory above the payload  %6.0f bytes a message\n",
              bytes / count - bench::payload_bytes);
  std::printf("hold                      %6.0f ns a message\n", holding.count() / count);
  std::printf("release                   %6.0f ns a message, all in %.0f ms\n",
              releasing.count() / count, releasing.count() / 1e6);
  std::printf("hold and release          %6.0f ns a message\n",
              (holding + releasing).count() / count);
}
