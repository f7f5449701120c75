// tidegate-demo-buildbot: two real Buildbot masters, one of which builds what arrives at the other,
// without the gate and with it.
#include <algorithm>
#include <cstdio>
#include <exception>
#include <iostream>
#include <string>
#include <thread>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "demo/buildbot/masters.hpp"
#include "demo/buildbot/paths.hpp"
#include "demo/layout.hpp"
#include "support/cluster.hpp"
#include "support/eventually.hpp"
#include "support/port.hpp"
#include "support/reaper.hpp"

namespace {

using namespace std::chrono_literals;
using namespace tidegate;
using namespace tidegate::demo;
using nlohmann::json;
using support::eventually;

constexpr auto* program = "/proc/self/exe";
constexpr auto between_changes = 50ms;
constexpr auto longest_meeting = 20s;

struct Settings {
  int changes = 20;
  int delay = 300;
};

void say(const std::string& text) { std::cout << text << "\n" << std::flush; }

// Apart from the masters, as in real life.
class BuildWorker {
 public:
  BuildWorker(const std::filesystem::path& directory, const std::string& port) {
    support::Command command;
    command.arguments = {"buildbot-worker",   "create-worker", "-q",      directory.string(),
                         "127.0.0.1:" + port, "worker",        "passcode"};
    support::run(command, 30s);
    command.arguments = {"twistd3",    "--nodaemon",  "--no_save",
                         "--pidfile=", "--logfile=-", "--python=buildbot.tac"};
    command.directory = directory;
    command.log = directory / "log";
    process_.emplace(command);
  }

 private:
  std::optional<support::Process> process_;
};

class Stage {
 public:
  explicit Stage(const Settings& settings)
      : settings_(settings),
        replica_(cluster_.add_replica({.apply_delay = std::chrono::milliseconds(settings.delay)})) {
  }

  int run() {
    const auto ungated = run(false);
    const auto gated = run(true);
    const bool shown = ungated.built < ungated.changes && gated.built == gated.changes &&
                       gated.changes == settings_.changes && gated.twice == 0;
    say(shown ? "" : "\nThis is not what the demo is to show.");
    return shown ? 0 : 1;
  }

 private:
  [[nodiscard]] json part(bool gated, const support::Server& reads) {
    return {{"db_url", database_url(cluster_.primary())},
            {"gate", gated},
            {"mq",
             {{"interfaces", "lo"},
              {"mesh", gated ? "gated" : "ungated"},
              {"beacon_port", beacon_port_},
              {"database", database_url(reads)},
              {"read_router", true}}}};
  }

  Fate run(bool gated) {
    const std::string word = gated ? "gated" : "ungated";
    const auto folder = cluster_.directory() / word;
    const auto feed_path = folder / "feed";
    const auto port = std::to_string(support::unused_port());
    auto arrivals = part(gated, cluster_.primary());
    arrivals["mq"]["read_router"] = false;
    arrivals["feed"] = feed_path;
    auto builds = part(gated, replica_);
    builds["builds"] = true;
    builds["worker_port"] = port;
    const Site site{TIDEGATE_COMMAND, TIDEGATE_SOURCE_ROOT};
    Master west(site, folder, "west", arrivals);
    Master east(site, folder, "east", builds);
    if (!gated) west.make_tables();
    west.start();
    east.start();
    const BuildWorker worker(folder / "worker", port);
    const auto met = [&] {
      return west.log().find("(127.0.0.1:") != std::string::npos &&
             east.log().find("(127.0.0.1:") != std::string::npos;
    };
    if (!eventually(longest_meeting, met)) throw std::runtime_error("the masters did not meet");
    const auto attached = [&] { return east.times_in_log("attached to builder") > 0; };
    if (!eventually(longest_meeting, attached)) throw std::runtime_error("no worker came");
    // A master that has just written reads the primary; the replica is to show that.
    std::this_thread::sleep_for(1s + 2 * std::chrono::milliseconds(settings_.delay));
    say(fmt::format("\n{}: {} changes arrive at the master \"west\" ...",
                    gated ? "With the gate" : "Without the gate", settings_.changes));
    Feed feed(feed_path);
    for (int i = 0; i < settings_.changes; ++i) {
      feed.add(word + "-" + std::to_string(i));
      std::this_thread::sleep_for(between_changes);
    }
    feed.wait();
    Fate fate;
    const auto all_built = [&] {
      fate = fate_of_changes(cluster_.primary(), word + "-");
      return fate.built == settings_.changes;
    };
    const auto patience = 10s + std::chrono::milliseconds(settings_.delay) +
                          std::chrono::milliseconds(gated ? 500 : 0) * settings_.changes;
    static_cast<void>(eventually(patience, all_built));
    east.stop();
    west.stop();
    say(fmt::format("  built by \"east\": {}, lost: {}, built twice: {}", fate.built,
                    fate.changes - fate.built, fate.twice));
    if (const auto failures = east.times_in_log("Traceback"); failures > 0) {
      say(fmt::format("  in the log of \"east\": {} tracebacks, such as {}", failures,
                      first_error(east.log())));
    }
    return fate;
  }

  // The line that Python prints last.
  static std::string first_error(const std::string& log) {
    auto at = log.find("Traceback");
    while (at != std::string::npos) {
      at = log.find('\n', at) + 1;
      const auto line = log.substr(at, log.find('\n', at) - at);
      if (line.find("Error") != std::string::npos && line.find("File") == std::string::npos) {
        return line.substr(std::min(line.size(), line.find_first_not_of("\t ")));
      }
      if (at == 0) break;
    }
    return "one without a reason";
  }

  Settings settings_;
  support::Cluster cluster_;
  support::Server& replica_;
  int beacon_port_ = support::unused_port();
};

int as_stage(const std::vector<std::string>& arguments) {
  try {
    return Stage({std::stoi(arguments.at(1)), std::stoi(arguments.at(2))}).run();
  } catch (const std::exception& error) {
    std::cerr << "tidegate-demo-buildbot: " << error.what() << "\n";
    return 1;
  }
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  if (!arguments.empty() && arguments.front() == "stage") return as_stage(arguments);

  Settings settings;
  const auto what = wrapped(
      "Shows what the gate does for Buildbot: changes arrive at one real master, and are built by "
      "another one, which reads a replica. Everything runs in a temporary directory on this "
      "machine and is gone at the end. The status is 0 if each change was built once with the "
      "gate, and some were lost without it.");
  CLI::App app(what, "tidegate-demo-buildbot");
  app.add_option("--changes", settings.changes, "changes that arrive, 20 a second")
      ->capture_default_str()
      ->check(CLI::Range(1, 1000));
  app.add_option("--delay", settings.delay,
                 "milliseconds by which the replica applies commits late")
      ->capture_default_str()
      ->check(CLI::Range(1, 10000));
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  say(wrapped(fmt::format(
      "Two Buildbot masters share one PostgreSQL. Changes arrive at \"west\", which writes them to "
      "the primary and tells \"east\"; that one looks them up on a replica, {} ms late, and has "
      "them built by a worker.",
      settings.delay)));
  try {
    return support::run_and_reap(
        "tidegate-demo-buildbot",
        {program, "stage", std::to_string(settings.changes), std::to_string(settings.delay)});
  } catch (const std::exception& error) {
    std::cerr << "tidegate-demo-buildbot: " << error.what() << "\n";
    return 1;
  }
}
