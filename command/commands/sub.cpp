// `tidegate sub`: looks at what passes. Deliveries go to standard output, everything else to the
// log, so that the output can be cut and counted; a program that must not miss a notice runs
// `tidegate peer`.
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "command/commands/commands.hpp"
#include "command/commands/session.hpp"
#include "command/doors/json_lines/json.hpp"
#include "command/subcommand.hpp"
#include "command/units.hpp"
#include "lib/base/utf8.hpp"

namespace tidegate::commands {
namespace {

std::string in_words(const Delivery& delivery) {
  const auto& payload = delivery.message.payload;
  return fmt::format(
      "{}  {}  ({}, held {})", command::harmless(to_string(delivery.message.topic)),
      base::is_utf8(payload) ? command::harmless(payload)
                             : fmt::format("<{} of bytes>", command::rough_size(payload.size())),
      command::harmless(delivery.origin_name), command::rough_duration(delivery.held));
}

class SubCommand final : public command::Subcommand {
 public:
  void declare(CLI::App& app) override {
    app.add_option("PATTERN", pattern_texts_,
                   "such as builds/*/new or builds/#; several may be given (default: #)")
        ->type_name("");
    app.add_option("--count", count_text_, "number of deliveries after which to stop")
        ->type_name("COUNT");
    app.add_option("--timeout", timeout_text_, "time after which to stop")->type_name("TIME");
    app.add_flag("--json", json_, "print JSON lines");
  }

  void check(std::vector<command::SettingProblem>& problems) override {
    for (const auto& text : pattern_texts_) {
      auto pattern = Pattern::parse(text);
      if (pattern) {
        patterns_.push_back(std::move(*pattern));
      } else {
        problems.push_back({"PATTERN", pattern.error().message});
      }
    }
    if (pattern_texts_.empty()) patterns_.push_back(Pattern::all());
    if (!count_text_.empty()) count_ = command::count_flag("--count", count_text_, 1, problems);
    if (!timeout_text_.empty()) {
      timeout_ = command::duration_flag("--timeout", timeout_text_, Duration::zero(), problems);
    }
  }

  int run(const command::Invocation& invocation) override {
    command::StopSignals stop;
    auto started = Peer::start(command::short_lived_options(invocation, "sub"), Drive::caller);
    if (!started) {
      command::write(invocation.log, {command::LogLevel::error, started.error().message});
      return command::exit_status::failed;
    }
    for (auto& pattern : patterns_) (*started)->subscribe(std::move(pattern));
    json_lines::Output output(STDOUT_FILENO);
    std::size_t printed = 0;
    Session session{.peer = **started,
                    .stop = stop,
                    .output = output,
                    .bound = timeout_,
                    .take = [&](const Incoming& incoming) {
                      if (const auto* notice = std::get_if<Notice>(&incoming)) {
                        command::write(invocation.log, command::describe(*notice));
                      } else if (!count_ || printed < *count_) {
                        const auto& delivery = std::get<Delivery>(incoming);
                        output.line(json_ ? json_lines::to_text(json_lines::to_json(delivery))
                                          : in_words(delivery));
                        ++printed;
                      }
                      return !count_ || printed < *count_;
                    }};
    const auto end = run_session(session);
    end_session(session);
    const bool missed = end == SessionEnd::time_over && count_ && printed < *count_;
    if (!missed) return command::exit_status::done;
    command::write(invocation.log, {command::LogLevel::error,
                                    fmt::format("{} of {} deliveries came within {}", printed,
                                                *count_, command::exact_duration(*timeout_))});
    return command::exit_status::nobody;
  }

 private:
  std::vector<std::string> pattern_texts_;
  std::string count_text_;
  std::string timeout_text_;
  bool json_ = false;

  std::vector<Pattern> patterns_;
  std::optional<std::size_t> count_;
  std::optional<Duration> timeout_;
};

}  // namespace

std::unique_ptr<command::Subcommand> make_sub_command() { return std::make_unique<SubCommand>(); }

}  // namespace tidegate::commands
