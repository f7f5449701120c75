// tidegate-sim: runs seeds, and scenario files, from the command line.
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string>
#include <thread>
#include <vector>

#include <CLI/CLI.hpp>

#include "tests/sim/batch.hpp"
#include "tests/sim/run.hpp"
#include "tests/sim/scenario.hpp"
#include "tests/sim/trace.hpp"

namespace {

using namespace tidegate;
using namespace tidegate::sim;

int run_one(std::uint64_t seed, bool print, Worlds worlds) {
  Trace trace(print ? Trace::Mode::print : Trace::Mode::off);
  const auto outcome = run_seed(seed, trace, worlds);
  std::printf("seed %llu\n%s", static_cast<unsigned long long>(seed), summary(outcome).c_str());
  if (!outcome.violation) return 0;
  if (!print) std::fputs(end_of_trace_of(seed, worlds).c_str(), stdout);
  std::printf("VIOLATION of seed %llu\n%s\n", static_cast<unsigned long long>(seed),
              outcome.violation->c_str());
  return 1;
}

int run_many(std::uint64_t first, std::uint64_t count, unsigned threads, Worlds worlds) {
  const auto start = std::chrono::steady_clock::now();
  const auto say = [](std::uint64_t done, std::size_t bad) {
    std::fprintf(stderr, "\r%llu seeds, %zu violations", static_cast<unsigned long long>(done),
                 bad);
  };
  const auto batch = run_seeds(first, count, threads, say, worlds);
  const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - start;
  const std::chrono::duration<double, std::ratio<3600>> simulated =
      batch.sum.simulated + batch.sum.outbox.simulated;
  std::fprintf(stderr, "\n");
  std::printf("%llu seeds from %llu\n%s", static_cast<unsigned long long>(count),
              static_cast<unsigned long long>(first), summary(batch.sum).c_str());
  std::printf("%.2f simulated hours in %.1f s, %.1f in a minute\n", simulated.count(),
              spent.count(), simulated.count() * 60 / spent.count());
  for (const auto& failure : batch.failures) {
    std::printf("VIOLATION of seed %llu\n%s\n  again: ./dev sim --seed %llu\n",
                static_cast<unsigned long long>(failure.seed), failure.what.c_str(),
                static_cast<unsigned long long>(failure.seed));
  }
  std::printf("%llu seeds kept all promises, %zu did not\n",
              static_cast<unsigned long long>(count - batch.failures.size()),
              batch.failures.size());
  return batch.failures.empty() ? 0 : 1;
}

int record_runs(std::uint64_t first, std::uint64_t count, const std::string& events) {
  auto* const file = std::fopen(events.c_str(), "we");
  if (file == nullptr) {
    std::perror(events.c_str());
    return 1;
  }
  bool good = true;
  for (auto seed = first; good && seed < first + count; ++seed) {
    Trace trace;
    trace.record_to(file);
    const auto outcome = run_seed(seed, trace, Worlds::mesh);
    if (outcome.violation) {
      std::fprintf(stderr, "VIOLATION of seed %llu\n%s\n", static_cast<unsigned long long>(seed),
                   outcome.violation->c_str());
    }
    good = std::ferror(file) == 0;
  }
  if (std::fclose(file) == 0 && good) return 0;
  std::fprintf(stderr, "%s can't be written\n", events.c_str());
  return 1;
}

int run_scenarios(const std::vector<std::string>& files, bool rewrite) {
  int status = 0;
  for (const auto& file : files) {
    const auto difference = check_scenario(file, rewrite);
    if (difference.empty()) continue;
    std::fputs(difference.c_str(), stdout);
    status = 1;
  }
  return status;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{
      "Simulates a mesh and an outbox in virtual time from a seed, and judges what they promise."};
  std::uint64_t seed = 0;
  std::uint64_t first = 0;
  std::uint64_t count = 0;
  unsigned threads = std::thread::hardware_concurrency();
  bool print = false;
  std::string world;
  bool rewrite = false;
  std::vector<std::string> scenarios;
  std::string events;
  auto* one = app.add_option("--seed", seed, "run one seed");
  app.add_flag("--trace", print, "with --seed: print all that happens");
  auto* many = app.add_option("--seeds", count, "run so many seeds");
  app.add_option("--first", first, "with --seeds: the first of them");
  app.add_option("--threads", threads, "with --seeds");
  app.add_option("--events", events,
                 "with --seed or --seeds: write the record for ./dev conform to this file, one run "
                 "after the other; of meshes only");
  app.add_option("--scenario", scenarios, "check scenario files");
  app.add_flag("--rewrite", rewrite, "with --scenario: write the expected output anew");
  app.add_option("--world", world, "one alone")->check(CLI::IsMember({"mesh", "outbox"}));
  CLI11_PARSE(app, argc, argv);
  const auto worlds = world.empty()     ? Worlds::both
                      : world == "mesh" ? Worlds::mesh
                                        : Worlds::outbox;
  if (!scenarios.empty()) return run_scenarios(scenarios, rewrite);
  if (!events.empty()) return record_runs(*many ? first : seed, *many ? count : 1, events);
  if (*many) return run_many(first, count, threads, worlds);
  return one->count() > 0 ? run_one(seed, print, worlds) : run_many(first, 200, threads, worlds);
}
