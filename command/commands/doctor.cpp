// `tidegate doctor`: prints what doctor.hpp finds.
#include "command/health/doctor.hpp"

#include <algorithm>
#include <chrono>
#include <string>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "command/commands/commands.hpp"
#include "command/doors/json_lines/json.hpp"
#include "command/doors/json_lines/output.hpp"
#include "command/subcommand.hpp"
#include "tidegate/version.hpp"

namespace tidegate::commands {
namespace {

std::string in_words(const std::vector<health::Finding>& findings) {
  std::size_t width = 0;
  for (const auto& finding : findings) width = std::max(width, finding.about.size());
  std::string text;
  for (const auto& finding : findings) {
    text += fmt::format("{:<8} {:<{}}  {}\n", to_string(finding.verdict), finding.about, width,
                        command::harmless(finding.what));
    if (!finding.cure.empty()) {
      text += fmt::format("{:<8} {:<{}}  -> {}\n", "", "", width, command::harmless(finding.cure));
    }
  }
  return text;
}

command::Description help() {
  return {"doctor",
          "looks for trouble that could keep a peer from working here",
          "Examples:\n"
          "  tidegate doctor --interfaces eth0 --database host=replica --primary host=primary",
          {"mesh", "interfaces", "beacon-port", "first-port", "last-port", "database", "primary"},
          command::LogLevel::warning};
}

class DoctorCommand final : public command::Subcommand {
 public:
  DoctorCommand() : Subcommand(help()) {}

  void declare(CLI::App& app) override { app.add_flag("--json", json_, "print one JSON object"); }

  void check(std::vector<command::SettingProblem>&) override {}

  int run(const command::Invocation& invocation) override {
    const auto& options = invocation.settings.options;
    const auto findings = health::judge(options, health::gather_facts(options));
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
      output.line(fmt::format("{}\ntidegate {}: {} {}, {} {}", in_words(findings), version(),
                              problems, problems == 1 ? "problem" : "problems", warnings,
                              warnings == 1 ? "warning" : "warnings"));
    }
    output.drain(std::chrono::seconds(5));
    return problems == 0 ? command::exit_status::done : command::exit_status::failed;
  }

 private:
  bool json_ = false;
};

}  // namespace

std::unique_ptr<command::Subcommand> make_doctor_command() {
  return std::make_unique<DoctorCommand>();
}

}  // namespace tidegate::commands
