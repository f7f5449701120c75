#include "bench/join.hpp"

#include <algorithm>
#include <iostream>
#include <stdexcept>

#include <fmt/format.h>

#include "bench/member.hpp"
#include "bench/sleep.hpp"
#include "bench/stamp.hpp"
#include "bench/start_worker.hpp"
#include "bench/statistics.hpp"
#include "bench/worker_costs.hpp"
#include "peer/io/clock.hpp"

namespace tidegate::bench {
namespace {

using namespace std::chrono_literals;

constexpr Duration longest_join = 60s;
constexpr Duration longest_answer = 5s;
constexpr Duration settling = 2s;  // the pace of the beacon falls in the first seconds

struct Joining {
  double milliseconds = 0;  // from the start of the first process to the last "ready"
  double cpu = 0;           // of one core, of each peer when idle
};

Joining join(const Settings& settings, std::size_t peers) {
  const auto quiet = std::chrono::round<Duration>(std::chrono::duration<double>(settings.quiet));
  const auto address = mesh_address(settings.transport);
  const auto begin = io::clock_now();
  std::vector<support::Worker> workers;
  for (std::size_t i = 0; i < peers; ++i) {
    workers.push_back(
        start_worker(settings.program, {"joiner", address, std::to_string(peers - 1)}));
  }
  std::int64_t end = 0;
  for (auto& worker : workers) {
    std::int64_t ready = 0;
    worker.expect("ready", longest_join) >> ready;
    end = std::max(end, ready);
  }
  sleep_until(io::clock_now() + settling);
  for (auto& worker : workers) worker.tell("idle");
  sleep_until(io::clock_now() + quiet);
  for (auto& worker : workers) worker.tell("tell");
  std::int64_t cpu = 0;
  for (auto& worker : workers) {
    std::int64_t used = 0;
    worker.expect("cpu", longest_answer) >> used;
    cpu += used;
  }
  std::vector<support::Worker*> all;
  all.reserve(workers.size());
  for (auto& worker : workers) all.push_back(&worker);
  support::dismiss(all, longest_leaving);
  return {
      static_cast<double>(end - nanoseconds(begin)) / 1e6,
      static_cast<double>(cpu) / static_cast<double>(peers) / static_cast<double>(quiet.count())};
}

}  // namespace

int run_joiner(const std::string& address, std::size_t others) {
  const auto peer = start_member<Peer>(address);
  if (!peer->wait_ready(others, std::chrono::floor<std::chrono::milliseconds>(longest_join))) {
    throw std::runtime_error("the others are not ready");
  }
  support::WorkerInput input;
  std::cout << "ready " << nanoseconds(io::clock_now()) << std::endl;
  static_cast<void>(input.next());
  const auto before = cpu_nanoseconds();
  static_cast<void>(input.next());
  std::cout << "cpu " << cpu_nanoseconds() - before << std::endl;
  static_cast<void>(input.next());
  return 0;
}

void bench_join(const Settings& settings, Report& report) {
  Table table;
  table.title = fmt::format("Join: all start at once, medians of {} rounds", settings.rounds);
  table.head = {"peers", "all ready ms", "idle CPU of each, % of a core"};
  auto& list = report.figures["join"] = nlohmann::json::array();
  for (const auto peers : settings.peers) {
    if (peers < 2) continue;
    std::vector<double> times;
    std::vector<double> cpus;
    for (std::size_t round = 1; round <= settings.rounds; ++round) {
      report.progress(fmt::format("join: {} peers, round {} of {}", peers, round, settings.rounds));
      const auto joining = join(settings, peers);
      times.push_back(joining.milliseconds);
      cpus.push_back(joining.cpu);
    }
    table.rows.push_back(
        {std::to_string(peers), rounded(median(times)), rounded(100 * median(cpus))});
    list.push_back({{"peers", peers}, {"ready_ms", times}, {"idle_cpu_share", cpus}});
  }
  report.progress("");
  report.add(table);
}

}  // namespace tidegate::bench
