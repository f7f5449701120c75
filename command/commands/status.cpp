// `tidegate status`: how a running peer of this host stands.
#include <chrono>
#include <ctime>
#include <string>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "command/commands/commands.hpp"
#include "command/commands/local_peers.hpp"
#include "command/doors/json_lines/json.hpp"
#include "command/doors/json_lines/output.hpp"
#include "command/status_text.hpp"
#include "command/subcommand.hpp"
#include "peer/io/reactor.hpp"
#include "peer/io/signals.hpp"

namespace tidegate::commands {
namespace {

constexpr auto watch_pause = std::chrono::seconds(1);
constexpr auto reader_bound = std::chrono::seconds(1);
constexpr const char* clear_screen = "\x1b[H\x1b[J";

std::string time_of_day() {
  const auto now = std::time(nullptr);
  std::tm parts{};
  (void)localtime_r(&now, &parts);
  return fmt::format("{:02}:{:02}:{:02}", parts.tm_hour, parts.tm_min, parts.tm_sec);
}

command::Description help() {
  return {"status",
          "shows a running peer of this host",
          "Examples:\n"
          "  tidegate status --watch\n"
          "  tidegate status --json --name app-1",
          {"mesh", "name", "socket", "log-level"},
          command::LogLevel::warning};
}

class StatusCommand final : public command::Subcommand {
 public:
  StatusCommand() : Subcommand(help()) {}

  void declare(CLI::App& app) override {
    app.add_flag("--json", json_, "print one JSON object");
    app.add_flag("--watch", watch_, "repeat each second, until Ctrl-C or the end of the peer");
  }

  void check(std::vector<command::SettingProblem>&) override {}

  int run(const command::Invocation& invocation) override {
    const auto peers = find_local_peers(invocation);
    if (peers.running.empty()) return say_nobody(peers, invocation);
    if (peers.running.size() > 1) return offer_choice(peers, invocation);
    const auto& peer = peers.running.front();
    if (watch_) return watch(peer, invocation);

    const auto status = ask_status(peer);
    if (!status) return fail(invocation, status.error().message);
    json_lines::Output output(STDOUT_FILENO);
    show(*status, output);
    output.drain(reader_bound);
    return command::exit_status::done;
  }

 private:
  static int fail(const command::Invocation& invocation, const std::string& message) {
    command::write(invocation.log, {command::LogLevel::error, message});
    return command::exit_status::failed;
  }

  static int say_nobody(const LocalPeers& peers, const command::Invocation& invocation) {
    std::string places;
    for (const auto& place : peers.places) places += (places.empty() ? "" : ", ") + place;
    command::write(invocation.log,
                   {command::LogLevel::error,
                    "no peer runs here, or this user may not see it (looked in " + places +
                        "); start one with `tidegate peer`, ask as its user, or name its "
                        "socket with --socket"});
    return command::exit_status::nobody;
  }

  static int offer_choice(const LocalPeers& peers, const command::Invocation& invocation) {
    command::write(invocation.log, {command::LogLevel::error,
                                    "several peers run here; choose one with --name, --mesh "
                                    "or --socket"});
    json_lines::Output choices(STDERR_FILENO);
    auto text = choice_text(peers.running);
    text.pop_back();
    choices.line(text);
    choices.drain(reader_bound);
    return command::exit_status::usage;
  }

  void show(const Status& status, json_lines::Output& output) const {
    auto text =
        json_ ? json_lines::to_text(json_lines::to_json(status)) : command::status_text(status);
    if (text.back() == '\n') text.pop_back();
    output.line(text);
  }

  [[nodiscard]] int watch(const status_socket::PeerSocket& peer,
                          const command::Invocation& invocation) const {
    const io::StopSignals stop;
    bool stopped = false;
    io::Reactor reactor;
    const auto watch =
        reactor.watch_input(stop.descriptor(), [&](io::Readiness) { stopped = true; });
    json_lines::Output output(STDOUT_FILENO);
    const bool screen = !json_ && isatty(STDOUT_FILENO) != 0;
    while (true) {
      const auto status = ask_status(peer);
      if (!status) return fail(invocation, status.error().message);
      if (screen) {
        output.line(clear_screen + time_of_day());
      } else if (!json_) {
        output.line(time_of_day());
      }
      show(*status, output);
      if (!json_ && !screen) output.line("");
      output.drain(reader_bound);
      if (!output.closed()) reactor.run_once(watch_pause);
      if (output.closed() || stopped) return command::exit_status::done;
    }
  }

  bool json_ = false;
  bool watch_ = false;
};

}  // namespace

std::unique_ptr<command::Subcommand> make_status_command() {
  return std::make_unique<StatusCommand>();
}

}  // namespace tidegate::commands
