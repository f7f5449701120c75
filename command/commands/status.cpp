// `tidegate status`: how a running peer of this host stands.
#include <chrono>
#include <string>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <sys/ioctl.h>
#include <unistd.h>

#include "command/commands/commands.hpp"
#include "command/commands/local_peers.hpp"
#include "command/doors/json_lines/json.hpp"
#include "command/doors/json_lines/output.hpp"
#include "command/readiness.hpp"
#include "command/status_text.hpp"
#include "command/subcommand.hpp"
#include "command/units.hpp"
#include "peer/io/reactor.hpp"
#include "peer/io/signals.hpp"

namespace tidegate::commands {
namespace {

constexpr auto watch_pause = std::chrono::seconds(1);
constexpr auto reader_bound = std::chrono::seconds(1);
constexpr const char* clear_screen = "\x1b[H\x1b[J";

command::Description help() {
  return {"status",
          "shows a running peer of this host",
          "Examples:\n"
          "  tidegate status --watch\n"
          "  tidegate status --check\n"
          "      for monitoring: exits with 4 and names the trouble when there is one\n"
          "  tidegate status --lag 5s\n"
          "      for a load balancer: exits with 4 unless all that was announced longer than 5 s\n"
          "      ago can be read here\n"
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
    app.add_flag("--all", all_, "show also the peers that have left, as the JSON always does");
    app.add_flag("--check", check_,
                 "print only the troubles, and exit with 4 if there are any; for monitoring");
    app.add_option("--lag", lag_text_,
                   "print whether the database shows what was announced longer than TIME ago, and "
                   "exit with 4 if not; for load balancers")
        ->type_name("TIME");
  }

  void check(std::vector<command::SettingProblem>& problems) override {
    if (check_ && watch_) problems.push_back({"--check", "give either this or --watch"});
    if (bounded() && watch_) problems.push_back({"--lag", "give either this or --watch"});
    if (bounded() && check_) problems.push_back({"--lag", "give either this or --check"});
    lag_ = command::duration_flag("--lag", lag_text_, command::usual_lag, problems);
  }

  int run(const command::Invocation& invocation) override {
    const auto chosen = choose_local_peer(invocation);
    if (const auto* status = std::get_if<int>(&chosen)) return *status;
    const auto& peer = std::get<status_socket::PeerSocket>(chosen);
    if (watch_) return watch(peer, invocation);

    const auto status = ask_status(peer);
    if (!status) return command::fail(invocation, status.error().message);
    json_lines::Output output(STDOUT_FILENO);
    const bool well = judge(*status, output);
    if (json_ || !(check_ || bounded())) show(*status, output);
    return command::finish(output, invocation,
                           well ? command::exit_status::done : command::exit_status::trouble);
  }

 private:
  [[nodiscard]] bool bounded() const { return !lag_text_.empty(); }

  // By the flag that was given; says why, unless the whole is shown as JSON.
  bool judge(const Status& status, json_lines::Output& output) const {
    if (check_) {
      if (!json_) show_troubles(status, output);
      return status.troubles.empty();
    }
    if (!bounded()) return true;
    const auto [ready, text] = command::readiness(status, lag_);
    if (!json_) output.line(text);
    return ready;
  }

  void show(const json_lines::PeerReport& report, json_lines::Output& output) const {
    auto text = json_
                    ? json_lines::to_text(json_lines::to_json(report, report.door, report.removal))
                    : command::status_text(report, all_, report.door, report.removal);
    if (text.back() == '\n') text.pop_back();
    output.line(text);
  }

  static void show_troubles(const Status& status, json_lines::Output& output) {
    for (const auto& trouble : status.troubles) {
      output.line(fmt::format("{}: for {}: {}", to_string(trouble.kind),
                              command::rough_duration(trouble.lasted),
                              command::harmless(trouble.text)));
    }
    if (status.troubles.empty()) {
      output.line(command::harmless(status.name) + " has no trouble");
    }
  }

  // As much as the screen has room for.
  void show_on_screen(const json_lines::PeerReport& report, json_lines::Output& output) const {
    winsize size{};
    const bool known =
        ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 1 && size.ws_col > 0;
    auto text = command::time_of_day() + "\n" +
                command::status_text(report, all_, report.door, report.removal);
    if (known) text = command::fitted(text, size.ws_col, size.ws_row - 1U);
    if (text.back() == '\n') text.pop_back();  // it would scroll a full screen
    output.line(clear_screen + text);
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
      if (!status) return command::fail(invocation, status.error().message);
      if (screen) {
        show_on_screen(*status, output);
      } else {
        if (!json_) output.line(command::time_of_day());
        show(*status, output);
        if (!json_) output.line("");
      }
      output.drain(reader_bound);
      if (!output.closed()) reactor.run_once(watch_pause);
      if (output.closed() || stopped) {
        return command::finish(output, invocation, command::exit_status::done);
      }
    }
  }

  bool json_ = false;
  bool watch_ = false;
  bool all_ = false;
  bool check_ = false;
  std::string lag_text_;
  Duration lag_{};
};

}  // namespace

std::unique_ptr<command::Subcommand> make_status_command() {
  return std::make_unique<StatusCommand>();
}

}  // namespace tidegate::commands
