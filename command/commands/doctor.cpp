// `tidegate doctor`: prints what doctor.hpp finds; with --pairs what doctor_pairs.hpp does.
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
#include "command/doors/json_lines/json_pairs.hpp"
#include "command/doors/json_lines/output.hpp"
#include "command/doors/status_socket/status_socket.hpp"
#include "command/doors/survey_socket/survey_socket.hpp"
#include "command/health/doctor_cursors.hpp"
#include "command/health/doctor_mesh.hpp"
#include "command/status_text.hpp"
#include "command/subcommand.hpp"
#include "command/units.hpp"
#include "peer/servers/postgres/sql_question.hpp"
#include "tidegate/version.hpp"

namespace tidegate::commands {
namespace {

constexpr postgres::Database::Timeouts timeouts{.connect = std::chrono::seconds(5),
                                                .answer = std::chrono::seconds(5)};

// A survey takes less than four; the rest is for a busy host.
constexpr Duration survey_bound = std::chrono::seconds(10);

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

std::string pairs_in_words(const json_lines::PairsReport& report, const Page& page) {
  std::string text;
  for (const auto& finding : report.findings) {
    auto verdict = fmt::format("{:<8}", to_string(finding.verdict));
    const auto left = verdict.size() + 1;
    if (page.colours) verdict = colour_of(finding.verdict) + verdict + "\x1b[0m";
    text += fmt::format("{} {} -> {}\n", verdict, command::harmless(finding.from),
                        command::harmless(finding.to));
    text += fmt::format("{:<{}}{}\n", "", left,
                        command::wrapped(command::harmless(finding.what), page.columns, left));
    text += fmt::format("{:<{}}-> {}\n", "", left,
                        command::wrapped(command::harmless(finding.cure), page.columns, left + 3));
  }
  if (!text.empty()) text += "\n";
  const auto ways = report.members * (report.members - 1);
  text += fmt::format("mesh {}: {} of {} members told in {} how they see each other; {}",
                      command::harmless(report.mesh), report.answered, report.members,
                      command::rough_duration(report.took),
                      report.findings.empty()
                          ? fmt::format("all {} ways are open", ways)
                          : fmt::format("{} {}", report.findings.size(),
                                        report.findings.size() == 1 ? "finding" : "findings"));
  if (report.left_out > 0) text += fmt::format("; {} more were not asked", report.left_out);
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
          "  tidegate doctor --interfaces eth0 --database host=replica --primary host=primary\n"
          "  tidegate doctor --pairs\n"
          "      lets each member of the mesh test its way to each other one, and shows who can't\n"
          "      reach whom; asks the peer that runs here",
          {"mesh", "name", "socket", "interfaces", "seeds", "beacon-port", "first-port",
           "last-port", "database", "primary", "state-file"},
          command::LogLevel::warning};
}

class DoctorCommand final : public command::Subcommand {
 public:
  DoctorCommand() : Subcommand(help()) {}

  void declare(CLI::App& app) override {
    app.add_flag("--json", json_, "print one JSON object");
    app.add_flag("--pairs", pairs_,
                 "test the way between each two members of the mesh, in both directions, instead "
                 "of this host");
    app.add_option("--state-dir", state_directory_,
                   "where `tidegate sub --durable` keeps its cursors, if not in the usual place; "
                   "those of a peer's clients are found by state-file")
        ->type_name("DIR");
  }

  void check(std::vector<command::SettingProblem>&) override {}

  int run(const command::Invocation& invocation) override {
    if (pairs_) return survey(invocation);
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

  // Of the mesh, by the peer that runs here.
  [[nodiscard]] int survey(const command::Invocation& invocation) const {
    const auto chosen = choose_local_peer(invocation);
    if (const auto* exit_status = std::get_if<int>(&chosen)) return *exit_status;
    const auto path = survey_socket::path_beside(std::get<status_socket::PeerSocket>(chosen).path);
    const auto answer = status_socket::read_status(path, survey_bound);
    if (!answer) return command::fail(invocation, answer.error().message);
    const auto* text = std::get_if<std::string>(&*answer);
    if (text == nullptr) {
      return command::fail(invocation, "the peer at " + path +
                                           " surveys no mesh; ask as its user, and look whether it "
                                           "runs and is of an earlier release");
    }
    const auto report = json_lines::parse_pairs(*text);
    if (!report) return command::fail(invocation, report.error().message);
    json_lines::Output output(STDOUT_FILENO);
    output.line(json_ ? text->substr(0, text->find('\n'))
                      : pairs_in_words(*report, page_of_output()));
    const auto problem = std::any_of(
        report->findings.begin(), report->findings.end(),
        [](const auto& finding) { return finding.verdict == health::Verdict::problem; });
    return command::finish(output, invocation,
                           problem ? command::exit_status::failed : command::exit_status::done);
  }

  bool json_ = false;
  bool pairs_ = false;
  std::string state_directory_;
};

}  // namespace

std::unique_ptr<command::Subcommand> make_doctor_command() {
  return std::make_unique<DoctorCommand>();
}

}  // namespace tidegate::commands
