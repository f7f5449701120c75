// `tidegate sub`: looks at what passes. Deliveries go to standard output, everything else to the
// log, so that the output can be cut and counted; a program that must not miss a notice runs
// `tidegate peer`. With --durable it prints an outbox instead of what passes, and goes on there the
// next time; the mesh brings it hints then.
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "command/commands/commands.hpp"
#include "command/commands/cursors.hpp"
#include "command/commands/outbox_printer.hpp"
#include "command/commands/session.hpp"
#include "command/doors/json_lines/json.hpp"
#include "command/doors/json_lines/output.hpp"
#include "command/doors/notice_log.hpp"
#include "command/subcommand.hpp"
#include "command/units.hpp"
#include "lib/base/cursor_name.hpp"
#include "lib/base/utf8.hpp"
#include "peer/io/signals.hpp"
#include "tidegate/outbox.hpp"
#include "tidegate/peer.hpp"

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

// Deliveries, up to a number of them, as lines on standard output.
class Printer final : public doors::Door {
 public:
  Printer(io::Reactor& reactor, bool json, std::optional<std::size_t> count)
      : output_(STDOUT_FILENO, reactor), json_(json), count_(count) {}

  void handle(const Incoming& incoming) override {
    const auto* delivery = std::get_if<Delivery>(&incoming);
    if (delivery == nullptr || printed_ == count_) return;
    output_.line(json_ ? json_lines::to_text(json_lines::to_json(*delivery)) : in_words(*delivery));
    ++printed_;
  }
  void peer_has_turned() override { output_.flush(); }
  [[nodiscard]] bool full() const override { return output_.full(); }
  [[nodiscard]] bool finished() const override { return output_.closed() || printed_ == count_; }
  [[nodiscard]] bool pending() const override { return output_.pending(); }

  [[nodiscard]] std::size_t printed() const { return printed_; }
  [[nodiscard]] json_lines::Output& output() { return output_; }

 private:
  json_lines::Output output_;
  bool json_;
  std::optional<std::size_t> count_;
  std::size_t printed_ = 0;
};

command::Description help() {
  return {"sub",
          "prints messages as they pass",
          "Examples:\n"
          "  tidegate sub 'builds/*/new'\n"
          "  tidegate sub --json --count 1 --timeout 10s --database host=replica\n"
          "  tidegate sub --durable mails 'users/*/new' --database host=replica\n"
          "      prints the announcements of the outbox there, each once, however often it is run",
          {"mesh", "interfaces", "seeds", "database", "from", "log-level"},
          command::LogLevel::warning};
}

class SubCommand final : public command::Subcommand {
 public:
  SubCommand() : Subcommand(help()) {}

  void declare(CLI::App& app) override {
    app.add_option("PATTERN", pattern_texts_,
                   "such as builds/*/new or builds/#; several may be given (default: #)")
        ->type_name("");
    app.add_option("--count", count_text_, "number of deliveries after which to stop")
        ->type_name("COUNT");
    app.add_option("--timeout", timeout_text_, "time after which to stop")->type_name("TIME");
    app.add_flag("--json", json_, "print JSON lines");
    app.add_option("--durable", durable_,
                   "print the outbox of the database under this name: what is not printed yet, and "
                   "then what comes (`tidegate outbox`)")
        ->type_name("NAME");
    app.add_option("--state-dir", state_directory_,
                   "where the names are kept (default: $STATE_DIRECTORY, $XDG_STATE_HOME/tidegate "
                   "or ~/.local/state/tidegate)")
        ->type_name("DIR");
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
    if (!durable_.empty()) {
      if (const auto error = base::wrong_cursor_name(durable_)) {
        problems.push_back({"--durable", error->message});
      }
    } else if (!state_directory_.empty()) {
      problems.push_back({"--state-dir", "is for --durable alone"});
    }
  }

  int run(const command::Invocation& invocation) override {
    const io::StopSignals stop;
    auto started = DrivenPeer::start(command::short_lived_options(invocation, "sub"));
    if (!started) return command::fail(invocation, started.error().message);
    for (const auto& text : pattern_texts_) command::write_pattern_hint(invocation.log, text);
    if (!durable_.empty()) return print_outbox(**started, stop, invocation);
    for (auto& pattern : patterns_) (*started)->subscribe(std::move(pattern));
    Session session(**started, &stop);
    Printer printer(session.reactor(), json_, count_);
    doors::NoticeLog log(invocation.log, session.reactor(), **started);
    session.add(printer);
    session.add(log);
    const auto end = session.run(timeout_);
    session.end();
    return finish(printer, end, invocation);
  }

 private:
  int print_outbox(DrivenPeer& peer, const io::StopSignals& stop,
                   const command::Invocation& invocation) {
    const auto& options = invocation.settings.options;
    if (!options.database) {
      command::write(invocation.log, {command::LogLevel::error,
                                      "there is no server to read; give it with --database"});
      return command::exit_status::usage;
    }
    const auto directory = state_directory(state_directory_);
    if (!directory) return command::fail(invocation, directory.error().message);
    auto outbox = OutboxSubscription::open({.database = *options.database,
                                            .cursor_file = cursor_path(*directory, durable_),
                                            .from = options.from,
                                            .patterns = patterns_,
                                            .taken_by_done = true});
    if (!outbox) return command::fail(invocation, outbox.error().message);
    peer.subscribe(Pattern::parse(to_string(outbox_hint_topic())).value());
    Session session(peer, &stop);
    OutboxPrinter printer(
        **outbox, session.reactor(), invocation.log,
        [this](const Delivery& delivery) { return line(delivery); }, count_);
    doors::NoticeLog log(invocation.log, session.reactor(), peer);
    session.add(printer);
    session.add(log);
    const auto end = session.run(timeout_);
    session.end();
    printer.take_what_was_written();
    return finish(printer, end, invocation);
  }

  [[nodiscard]] std::string line(const Delivery& delivery) const {
    return json_ ? json_lines::to_text(json_lines::to_json(delivery)) : in_words(delivery);
  }

  template <typename AnyPrinter>
  int finish(AnyPrinter& printer, SessionEnd end, const command::Invocation& invocation) {
    const auto printed = printer.printed();
    const bool missed = end == SessionEnd::time_over && count_ && printed < *count_;
    if (!missed) return command::finish(printer.output(), invocation, command::exit_status::done);
    command::write(invocation.log, {command::LogLevel::error,
                                    fmt::format("{} of {} deliveries came within {}", printed,
                                                *count_, command::exact_duration(*timeout_))});
    return command::exit_status::nobody;
  }

  std::vector<std::string> pattern_texts_;
  std::string count_text_;
  std::string timeout_text_;
  bool json_ = false;
  std::string durable_;
  std::string state_directory_;

  std::vector<Pattern> patterns_;
  std::optional<std::size_t> count_;
  std::optional<Duration> timeout_;
};

}  // namespace

std::unique_ptr<command::Subcommand> make_sub_command() { return std::make_unique<SubCommand>(); }

}  // namespace tidegate::commands
