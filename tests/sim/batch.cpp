#include "tests/sim/batch.hpp"

#include <algorithm>
#include <mutex>
#include <thread>

#include "tests/sim/trace.hpp"

namespace tidegate::sim {

Batch run_seeds(std::uint64_t first, std::uint64_t count, unsigned threads,
                const std::function<void(std::uint64_t, std::size_t)>& progress, Worlds worlds) {
  constexpr std::uint64_t often = 100;
  Batch batch;
  std::mutex mutex;
  std::uint64_t next = 0;
  std::uint64_t done = 0;
  const auto work = [&] {
    while (true) {
      std::uint64_t seed = 0;
      {
        const std::lock_guard lock(mutex);
        if (next == count) return;
        seed = first + next++;
      }
      Trace trace;
      const auto outcome = run_seed(seed, trace, worlds);
      const std::lock_guard lock(mutex);
      batch.sum.add(outcome);
      if (outcome.violation) batch.failures.push_back({seed, *outcome.violation});
      if (++done % often == 0 || done == count) progress(done, batch.failures.size());
    }
  };
  std::vector<std::thread> workers;
  for (unsigned i = 1; i < threads; ++i) workers.emplace_back(work);
  work();
  for (auto& worker : workers) worker.join();
  std::sort(batch.failures.begin(), batch.failures.end(),
            [](const Failure& a, const Failure& b) { return a.seed < b.seed; });
  return batch;
}

std::string end_of_trace_of(std::uint64_t seed, Worlds worlds) {
  Trace trace(Trace::Mode::keep);
  (void)run_seed(seed, trace, worlds);
  return trace.take();
}

}  // namespace tidegate::sim
