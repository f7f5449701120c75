// `tidegate status`: how a running peer of this host stands.
#include <chrono>
#include <ctime>
#include <string>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <poll.h>
#include <unistd.h>

#include "command.hpp"
#include "json.hpp"
#include "local_peers.hpp"
#include "output.hpp"
#include "status_text.hpp"

namespace tidegate {
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

class StatusCommand final : public Subcommand {
 public:
  void declare(CLI::App& app) override {
    app.add_flag("--json", json_, "print one JSON object");
    app.add_flag("--watch", watch_, "again each second, until Ctrl-C or the end of the peer");
  }

  void check(std::vector<SettingProblem>&) override {}

  int run(const Invocation& invocation) override {
    const auto peers = find_local_peers(invocation);
    if (peers.running.empty()) return say_nobody(peers, invocation);
    if (peers.running.size() > 1) return offer_choice(peers, invocation);
    const auto& peer = peers.running.front();
    if (watch_) return watch(peer, invocation);

    const auto status = ask_status(peer);
    if (!status) return fail(invocation, status.error().message);
    Output output(STDOUT_FILENO);
    show(*status, output);
    output.drain(reader_bound);
    return exit_status::done;
  }

 private:
  static int fail(const Invocation& invocation, const std::string& message) {
    write(invocation.log, {LogLevel::error, message});
    return exit_status::failed;
  }

  static int say_nobody(const LocalPeers& peers, const Invocation& invocation) {
    std::string places;
    for (const auto& place : peers.places) places += (places.empty() ? "" : ", ") + place;
    write(invocation.log,
          {LogLevel::error, "no peer runs here, or this user may not see it (looked in " + places +
                                "); start one with `tidegate peer`, ask as its user, or name its "
                                "socket with --socket"});
    return exit_status::nobody;
  }

  static int offer_choice(const LocalPeers& peers, const Invocation& invocation) {
    write(invocation.log, {LogLevel::error,
                           "several peers run here; choose one with --name, --mesh "
                           "or --socket"});
    Output choices(STDERR_FILENO);
    auto text = choice_text(peers.running);
    text.pop_back();
    choices.line(text);
    choices.drain(reader_bound);
    return exit_status::usage;
  }

  void show(const Status& status, Output& output) const {
    auto text = json_ ? to_text(to_json(status)) : status_text(status);
    if (text.back() == '\n') text.pop_back();
    output.line(text);
  }

  [[nodiscard]] int watch(const PeerSocket& peer, const Invocation& invocation) const {
    StopSignals stop;
    Output output(STDOUT_FILENO);
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
      pollfd signal{stop.descriptor(), POLLIN, 0};
      if (output.closed() ||
          poll(&signal, 1, static_cast<int>(std::chrono::milliseconds(watch_pause).count())) > 0) {
        return exit_status::done;
      }
    }
  }

  bool json_ = false;
  bool watch_ = false;
};

}  // namespace

std::unique_ptr<Subcommand> make_status_command() { return std::make_unique<StatusCommand>(); }

}  // namespace tidegate
