#include "bench/catchup.hpp"

#include <iostream>
#include <stdexcept>

#include <fmt/format.h>

#include "bench/member.hpp"
#include "bench/start_worker.hpp"
#include "bench/statistics.hpp"
#include "peer/io/clock.hpp"
#include "support/worker_input.hpp"

namespace tidegate::bench {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t missed = 10'000;
constexpr Duration longest_start = 10s;
constexpr Duration longest_fetch = 30s;

struct Fetch {
  double milliseconds = 0;  // from the word of the publisher, from where on we hear it, to the last
  std::uint64_t requests = 0;
};

Fetch fetch(const Settings& settings) {
  const auto address = mesh_address(settings.transport);
  auto publisher = start_worker(settings.program, {"publisher", address, std::to_string(missed),
                                                   std::to_string(settings.size)});
  publisher.expect("published", longest_start);
  Options options;
  options.from = From::earliest;
  const auto peer = start_member<DrivenPeer>(address, options);
  peer->subscribe(Pattern::all());
  std::optional<Instant> begin;
  const auto bound = io::clock_now() + longest_fetch;
  for (std::size_t got = 0; got < missed;) {
    const auto incoming = peer->next(100ms);
    if (!begin && peer->wait_ready(1, 0ms)) begin = io::clock_now();
    if (incoming && std::holds_alternative<Delivery>(*incoming)) ++got;
    if (io::clock_now() > bound) throw std::runtime_error("not all of it has come");
  }
  const auto took = io::clock_now() - begin.value();
  const auto requests = peer->status().counters.requests;
  support::dismiss({&publisher}, longest_leaving);
  return {std::chrono::duration<double, std::milli>(took).count(), requests};
}

}  // namespace

int run_publisher(const std::string& address, std::size_t messages, std::size_t size) {
  const auto peer = start_member<Peer>(address);
  const auto topic = Topic::parse("bench/catchup").value();
  for (std::size_t i = 0; i < messages; ++i) {
    if (peer->publish(topic, std::string(size, '.')) != Publish::accepted) {
      throw std::runtime_error("a message was not taken");
    }
  }
  std::cout << "published" << std::endl;
  static_cast<void>(support::WorkerInput().next());
  return 0;
}

void bench_catchup(const Settings& settings, Report& report) {
  std::vector<double> times;
  std::vector<double> requests;
  for (std::size_t round = 1; round <= settings.rounds; ++round) {
    report.progress(fmt::format("catchup: round {} of {}", round, settings.rounds));
    const auto result = fetch(settings);
    times.push_back(result.milliseconds);
    requests.push_back(static_cast<double>(result.requests));
  }
  report.progress("");
  report.figures["catchup"] = {{"messages", missed}, {"ms", times}, {"requests", requests}};
  Table table;
  table.title = fmt::format("Catch-up: {} messages of {} B that were missed, medians of {} rounds",
                            missed, settings.size, settings.rounds);
  table.head = {"messages", "ms", "requests"};
  table.rows = {{std::to_string(missed), rounded(median(times)), rounded(median(requests))}};
  report.add(table);
}

}  // namespace tidegate::bench
