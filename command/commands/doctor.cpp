// `tidegate doctor`: prints what doctor.hpp finds.
#include "command/health/doctor.hpp"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <sys/ioctl.h>
#include <unistd.h>

#include "command/commands/commands.hpp"
#include "command/commands/cursor_lags.hpp"
#include "command/commands/cursors.hpp"
#include "command/commands/local_peers.hpp"
#include "command/doors/json_lines/json.hpp"
#include "command/doors/json_lines/output.hpp"
#include "command/health/doctor_cursors.hpp"
#include "command/health/doctor_mesh.hpp"
#include "command/status_text.hpp"
#include "command/subcommand.hpp"
#include "peer/servers/postgres/sql_question.hpp"
#include "tidegate/version.hpp"

namespace tidegate::commands {
namespace {

constexpr postgres::Database::Timeouts timeouts{.connect = std::chrono::seconds(5),
                                                .answer = std::chrono::seconds(5)};

const char* colour_of(health::Verdict verdict) {
  if (verdict == health::Verdict::problem) return "\x1b[31m";
  return verdict == health::Verdict::warning ? "\x1b[33m" : "\x1b[32m";
}

// The shape of the output: a terminal has a width and, unless NO_COLOR is set, colours.
struct Page {
  std::size_t columns = 0;  // 0: as wide as the text
  bool colours = false;
};

Page page_of_output() {
  if (isatty(STDOUT_FILENO) == 0) return {};
  winsize size{};
  const bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0;
  const auto* no_colour = std::getenv("NO_COLOR");
  return {known ? size.ws_col : std::size_t{0}, no_colour == nullptr || *no_colour == '\0'};
}

std::string in_words(const std::vector<health::Finding>& findings, const Page& page) {
  std::size_t width = 0;
  for (const auto& finding : findings) width = std::max(width, finding.about.size());
  const auto left = width + 11;
  std::string text;
  for (const auto& finding : findings) {
    auto verdict = fmt::format("{:<8}", to_string(finding.verdict));
    if (page.colours) verdict = colour_of(finding.verdict) + verdict + "\x1b[0m";
    text += fmt::format("{} {:<{}}  {}\n", verdict, command::harmless(finding.about), width,
                        command::wrapped(command::harmless(finding.what), page.columns, left));
    if (!finding.cure.empty()) {
      text +=
          fmt::format("{:<{}}-> {}\n", "", left,
                      command::wrapped(command::harmless(finding.cure), page.columns, left + 3));
    }
  }
  return text;
}

// The peer of this mesh that runs here; nothing when none does.
std::optional<Result<Status>> ask_running_peer(const command::Invocation& invocation) {
  for (const auto& peer : find_local_peers(invocation).running) {
    if (!invocation.settings.socket.empty() || peer.mesh == invocation.settings.options.mesh) {
      auto report = ask_status(peer);
      return report ? Result<Status>(std::move(*report)) : Result<Status>(report.error());
    }
  }
  return std::nullopt;
}

command::Description help() {
  return {"doctor",
          "looks for trouble that could keep a peer from working here",
          "Examples:\n"
          "  tidegate doctor --interfaces eth0 --database host=replica --primary host=primary",
          {"mesh", "interfaces", "seeds", "beacon-port", "first-port", "last-port", "database",
           "primary", "state-file"},
          command::LogLevel::warning};
}

class DoctorCommand final : public command::Subcommand {
 public:
  DoctorCommand() : Subcommand(help()) {}

  void declare(CLI::App& app) override {
    app.add_flag("--json", json_, "print one JSON object");
    app.add_option("--state-dir", state_directory_,
                   "where `tidegate sub --durable` keeps its cursors, if not in the usual place; "
                   "those of a peer's clients are found by state-file")
        ->type_name("DIR");
  }

  void check(std::vector<command::SettingProblem>&) override {}

  int run(const command::Invocation& invocation) override {
    const auto& options = invocation.settings.options;
    auto findings = health::judge(options, health::gather_facts(options));
    const auto mesh = health::gather_mesh(options, ask_running_peer(invocation));
    for (auto& finding : health::judge_mesh(options, mesh)) findings.push_back(std::move(finding));
    for (auto& finding : health::judge_cursors(gather_cursors(options))) {
      findings.push_back(std::move(finding));
    }
    const auto count = [&](health::Verdict verdict) {
      return std::count_if(findings.begin(), findings.end(),
                           [&](const auto& finding) { return finding.verdict == verdict; });
    };
    const auto problems = count(health::Verdict::problem);
    const auto warnings = count(health::Verdict::warning);

    json_lines::Output output(STDOUT_FILENO);
    if (json_) {
      output.line(json_lines::to_text(json_lines::doctor_document(version(), findings)));
    } else {
      output.line(fmt::format("{}\ntidegate {}: {} {}, {} {}", in_words(findings, page_of_output()),
                              version(), problems, problems == 1 ? "problem" : "problems", warnings,
                              warnings == 1 ? "warning" : "warnings"));
    }
    return command::finish(
        output, invocation,
        problems == 0 ? command::exit_status::done : command::exit_status::failed);
  }

 private:
  // A server that does not answer is another finding.
  [[nodiscard]] std::vector<health::CursorFacts> gather_cursors(const Options& options) const {
    std::vector<health::CursorFacts> cursors;
    const auto all = kept_cursors(present_state_directory(state_directory_), options.state_file);
    const auto& server = options.database ? options.database : options.primary;
    std::optional<postgres::Database> database;
    if (!all.empty() && server) {
      auto prepared = postgres::prepare_connection(*server, timeouts);
      if (prepared && !postgres::connect(*prepared)) database = std::move(prepared).value();
    }
    for (const auto& kept : all) {
      auto& facts = cursors.emplace_back();
      facts.name = kept.name;
      facts.file = kept.file;
      if (!kept.cursor) facts.unreadable = kept.cursor.error().message;
      facts.begun = kept.cursor && *kept.cursor;
      if (!facts.begun || !database) continue;
      auto lag = lag_of(kept, *database);
      if (lag.trouble.empty()) facts.lag = std::move(lag);
    }
    return cursors;
  }

  bool json_ = false;
  std::string state_directory_;
};

}  // namespace

std::unique_ptr<command::Subcommand> make_doctor_command() {
  return std::make_unique<DoctorCommand>();
}

}  // namespace tidegate::commands
