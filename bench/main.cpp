// tidegate-bench: what the mesh and its gate cost on this machine, beside what a user would pick
// instead.
//
// The same program plays every part: without a part it is the reaper, under which everything that
// was started ends, whatever happens; under it runs the bench, and under that its workers.
#include <exception>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <stdexcept>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <malloc.h>

#include "bench/carrier.hpp"
#include "bench/carriers/missing.hpp"
#include "bench/catchup.hpp"
#include "bench/fanout.hpp"
#include "bench/gate.hpp"
#include "bench/gate_workers.hpp"
#include "bench/join.hpp"
#include "bench/plan.hpp"
#include "bench/plot.hpp"
#include "bench/report.hpp"
#include "bench/settings.hpp"
#include "bench/sources.hpp"
#include "bench/stamp.hpp"
#include "bench/worker.hpp"
#include "support/reaper.hpp"

namespace {

using namespace tidegate::bench;

std::string program() { return std::filesystem::read_symlink("/proc/self/exe"); }

// Parts are started by ourselves, so their arguments are what they have to be.
int run_worker(const std::vector<std::string>& arguments) {
  const auto number = [&](std::size_t i) { return std::stoull(arguments.at(i)); };
  const auto& what = arguments.at(0);
  if (what == "joiner") return run_joiner(arguments.at(1), number(2));
  if (what == "publisher") return run_publisher(arguments.at(1), number(2), number(3));
  const auto places = [&] { return Places{arguments.at(2), arguments.at(3), arguments.at(4)}; };
  const auto time = [&](std::size_t i) {
    return tidegate::Duration(static_cast<tidegate::Duration::rep>(number(i)));
  };
  if (what == "committer") {
    return run_committer({arguments.at(1), places(), arguments.at(5), arguments.at(6)});
  }
  if (what == "row_checker") {
    const Cure cure{.first_pause = time(6), .pause = time(7)};
    return run_row_checker(
        {arguments.at(1), places(), cure, arguments.at(5), number(8), arguments.at(9)});
  }
  if (what == "writers") return run_writers({arguments.at(1), places(), number(5), time(6)});
  if (what == "listener") return run_listener({arguments.at(1), places()});
  const auto& carrier = *find_carrier(what);
  const auto& address = arguments.at(1);
  const Plan plan{number(2), number(3), number(4), number(5), time(6)};
  if (arguments.at(7) == "sender") return run_sender(carrier, address, plan);
  return run_receiver(carrier, address, plan, arguments.at(8));
}

std::string recorded_build() {
  constexpr auto* name = "buildbot_trace_10steps.jsonl";
  const auto installed = std::filesystem::path(TIDEGATE_BENCH_INSTALLED_DATA) / name;
  return std::filesystem::exists(installed) ? installed
                                            : std::filesystem::path(TIDEGATE_BENCH_DATA) / name;
}

struct Choice {
  std::string bench;
  Settings settings;
};

void describe(CLI::App& app, Choice& choice) {
  auto& settings = choice.settings;
  std::string systems;
  for (const auto& carrier : carriers()) systems += (systems.empty() ? "" : ", ") + carrier.name;
  app.add_option("bench", choice.bench, "fanout, gate (and its part sources), join, catchup or all")
      ->required()
      ->check(CLI::IsMember({"fanout", "gate", "sources", "join", "catchup", "all"}));
  app.add_option("--peers", settings.peers, "numbers of receivers or peers: 1,4,16")
      ->delimiter(',')
      ->check(CLI::Range(1, 256))
      ->capture_default_str();
  app.add_option("--systems", settings.systems,
                 "systems that take part: " + systems + "; default: all")
      ->delimiter(',')
      ->check(CLI::Validator(
          [](const std::string& name) {
            return find_carrier(name) != nullptr ? "" : "there is no system '" + name + "'";
          },
          "", "system"));
  app.add_option_function<std::string>(
         "--transport",
         [&settings](const std::string& name) {
           settings.transport = name == to_string(tidegate::LocalTransport::ipc)
                                    ? tidegate::LocalTransport::ipc
                                    : tidegate::LocalTransport::tcp;
         },
         "tcp, or ipc: Unix sockets, for those systems that can")
      ->check(CLI::IsMember({"tcp", "ipc"}))
      ->default_str("tcp");
  app.add_option("--size", settings.size, "bytes of a payload")
      ->check(CLI::Range(stamp_bytes, std::size_t{1} << 20U))
      ->capture_default_str();
  app.add_option("--rate", settings.rate, "paced messages a second")
      ->check(CLI::Range(1, 100'000))
      ->capture_default_str();
  app.add_option("--seconds", settings.seconds, "length of a paced run")
      ->check(CLI::Range(0.1, 3600.0))
      ->capture_default_str();
  app.add_option("--burst", settings.burst, "messages of a flood")
      ->check(CLI::Range(1, 10'000'000))
      ->capture_default_str();
  app.add_option("--quiet", settings.quiet, "seconds for which idle peers are watched")
      ->check(CLI::Range(0.1, 3600.0))
      ->capture_default_str();
  app.add_option("--rounds", settings.rounds, "rounds, of which the medians are shown")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  app.add_option("--rates", settings.rates, "commits a second of the paced gate runs; 0: none")
      ->delimiter(',')
      ->check(CLI::Range(0, 10'000))
      ->capture_default_str();
  app.add_option("--lags", settings.lags, "ms by which the gate's replica is delayed")
      ->delimiter(',')
      ->check(CLI::Range(0, 10'000))
      ->capture_default_str();
  app.add_option("--bursts", settings.bursts,
                 "seconds of the gate run with bursts of 1,800; 0: none")
      ->check(CLI::Range(0, 1000))
      ->capture_default_str();
  app.add_option("--speeds", settings.speeds, "speeds at which the gate replays a build; 0: none")
      ->delimiter(',')
      ->check(CLI::Range(0.0, 1000.0))
      ->capture_default_str();
  app.add_option("--trace", settings.trace, "the recorded Buildbot build that the gate replays")
      ->check(CLI::ExistingFile);
  app.add_option("--json", settings.json, "a file that gets all figures");
  app.add_option("--plot", settings.plot, "a directory that gets pictures, by gnuplot");
  app.footer("Example: tidegate-bench fanout --peers 1,16 --systems tidegate,libzmq,redis");
}

int run_bench(Choice choice) {
  choice.settings.program = program();
  if (!choice.settings.plot.empty()) {
    const auto missing = missing_program("gnuplot", "gnuplot-nox");
    if (!missing.empty()) throw std::runtime_error(missing);
  }
  if (choice.settings.trace.empty()) choice.settings.trace = recorded_build();
  Report report;
  const auto wanted = [&](const char* name) {
    return choice.bench == name || choice.bench == "all";
  };
  if (wanted("fanout")) bench_fanout(choice.settings, report);
  if (wanted("gate")) bench_gate(choice.settings, report);
  // They are no systems: whoever names those wants no others.
  if (choice.bench == "sources" || (wanted("gate") && choice.settings.systems.empty())) {
    bench_sources(choice.settings, report);
  }
  if (wanted("join")) bench_join(choice.settings, report);
  if (wanted("catchup")) bench_catchup(choice.settings, report);
  if (!choice.settings.json.empty()) {
    std::ofstream file(choice.settings.json);
    if (!(file << report.figures.dump(2) << "\n")) {
      throw std::runtime_error("can't write " + choice.settings.json);
    }
  }
  if (!choice.settings.plot.empty()) plot(report.figures, choice.settings.plot);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  // Every part, of whatever system, keeps the memory that it frees. Else a flood is largely a
  // measure of the kernel, which takes pages back and gives them again. (Another malloc than
  // glibc's refuses, and does as it does.)
  (void)mallopt(M_TRIM_THRESHOLD, 64 << 20);
  std::vector<std::string> arguments(argv + 1, argv + argc);
  const bool worker = !arguments.empty() && arguments[0] == "worker";
  const bool reaped = !arguments.empty() && arguments[0] == "reaped";
  try {
    if (worker) return run_worker({arguments.begin() + 1, arguments.end()});
    Choice choice;
    CLI::App app(
        "Measures tidegate beside what its users would pick instead. Every sender and receiver is\n"
        "a process of its own; servers are private, on loopback, and gone at the end.",
        "tidegate-bench");
    describe(app, choice);
    try {
      // CLI11 takes them from the back.
      std::vector<std::string> given(arguments.rbegin(), arguments.rend());
      if (reaped) given.pop_back();
      app.parse(given);
    } catch (const CLI::ParseError& error) {
      return app.exit(error) == 0 ? 0 : 2;
    }
    if (reaped) return run_bench(choice);
    arguments.insert(arguments.begin(), {program(), "reaped"});
    return tidegate::support::run_and_reap("tidegate-bench", arguments);
  } catch (const std::exception& error) {
    std::cerr << "tidegate-bench: " << error.what() << "\n";
    return 1;
  }
}
