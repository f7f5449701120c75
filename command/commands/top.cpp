// `tidegate top`: the mesh in a terminal, as a running peer of this host sees it.
#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include "command/commands/commands.hpp"
#include "command/commands/local_peers.hpp"
#include "command/doors/json_lines/json.hpp"
#include "command/doors/status_socket/status_socket.hpp"
#include "command/log.hpp"
#include "command/subcommand.hpp"
#include "command/top/screen.hpp"
#include "command/top/view.hpp"
#include "command/units.hpp"
#include "peer/io/clock.hpp"
#include "peer/io/reactor.hpp"
#include "peer/io/signals.hpp"

namespace tidegate::commands {
namespace {

using command::top::Screen;
using command::top::View;

constexpr Duration usual_interval = std::chrono::seconds(1);
constexpr Duration least_interval = std::chrono::milliseconds(100);
constexpr Duration ask_bound = std::chrono::seconds(2);

command::Description help() {
  return {"top",
          "shows the mesh in a terminal: members, streams, lag, held messages, rates, troubles",
          "As the peer that runs on this host sees it. `?` shows the keys: order, filter, pause,\n"
          "scroll. Works over ssh, in a window of any size. When the peer ends it says so, and\n"
          "goes on when it is back.\n\n"
          "Examples:\n"
          "  tidegate top\n"
          "  tidegate top --name app-1 --interval 5s\n"
          "  ssh -t app-1 tidegate top",
          {"mesh", "name", "socket", "log-level"},
          command::LogLevel::warning};
}

// The loop: keys, looks at the peer, signals.
class Top {
 public:
  Top(Screen& screen, std::string path, Duration interval)
      : screen_(screen),
        path_(std::move(path)),
        interval_(interval),
        view_(interval),
        keys_(reactor_.watch_input(STDIN_FILENO,
                                   // A terminal that is gone is readable without end.
                                   [this](io::Readiness now) { gone_ = gone_ || now.error; })),
        stop_watch_(
            reactor_.watch_input(stop_.descriptor(), [this](io::Readiness) { stopped_ = true; })),
        due_(reactor_.timer()) {}

  void run() {
    while (!stopped_ && !gone_) {
      look();
      // Also the new size of the window comes so; a signal has ended the wait for it.
      while (const auto key = screen_.key()) {
        if (!view_.press(*key)) return;
      }
      screen_.draw(view_.lines(screen_.width(), screen_.height(), command::time_of_day()));
      reactor_.run_once(std::chrono::milliseconds(-1));
    }
  }

 private:
  // Takes the answer if there is one, and asks anew when it is time.
  void look() {
    const auto now = io::clock_now();
    if (reading_ && reading_->answer()) {
      take(*reading_->answer(), now);
      reading_.reset();
    }
    if (!reading_ && now >= look_at_) {
      look_at_ = now + interval_;
      reading_.emplace(reactor_, path_, now + ask_bound);
      if (reading_->answer()) look();  // there is nobody
    }
    due_.set(reading_ ? never : look_at_);
  }

  void take(const Result<status_socket::Status>& answer, Instant now) {
    if (!answer) return view_.lose(answer.error().message);
    const auto* text = std::get_if<std::string>(&*answer);
    if (text == nullptr)
      return view_.lose("THE PEER HAS GONE; as soon as it is back, this goes on");
    auto status = json_lines::parse_status(*text);
    if (!status) return view_.lose(status.error().message);
    view_.take(std::move(*status), now);
  }

  const io::StopSignals stop_;
  Screen& screen_;
  std::string path_;
  Duration interval_;
  View view_;
  io::Reactor reactor_;
  io::Reactor::Watch keys_;
  io::Reactor::Watch stop_watch_;
  io::Reactor::Timer due_;
  std::optional<status_socket::StatusReading> reading_;
  Instant look_at_ = Instant::min();
  bool stopped_ = false;
  bool gone_ = false;
};

class TopCommand final : public command::Subcommand {
 public:
  TopCommand() : Subcommand(help()) {}

  void declare(CLI::App& app) override {
    app.add_option("--interval", interval_text_, "look at the peer so often (default: 1s)")
        ->type_name("TIME");
  }

  void check(std::vector<command::SettingProblem>& problems) override {
    interval_ = command::duration_flag("--interval", interval_text_, usual_interval, problems);
    if (interval_ < least_interval) {
      problems.push_back({"--interval", "at least " + command::exact_duration(least_interval)});
    }
  }

  int run(const command::Invocation& invocation) override {
    const auto chosen = choose_local_peer(invocation);
    if (const auto* status = std::get_if<int>(&chosen)) return *status;
    auto screen = Screen::open();
    if (!screen) {
      command::write(invocation.log, {command::LogLevel::error, screen.error().message});
      return command::exit_status::usage;
    }
    Top(**screen, std::get<status_socket::PeerSocket>(chosen).path, interval_).run();
    return command::exit_status::done;
  }

 private:
  std::string interval_text_;
  Duration interval_{};
};

}  // namespace

std::unique_ptr<command::Subcommand> make_top_command() { return std::make_unique<TopCommand>(); }

}  // namespace tidegate::commands
