// `tidegate doctor`: prints what doctor.hpp finds.
#include <algorithm>
#include <chrono>
#include <string>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "command.hpp"
#include "doctor.hpp"
#include "json.hpp"
#include "output.hpp"

namespace tidegate {
namespace {

std::string in_words(const std::vector<Finding>& findings) {
  std::size_t width = 0;
  for (const auto& finding : findings) width = std::max(width, finding.about.size());
  std::string text;
  for (const auto& finding : findings) {
    text += fmt::format("{:<8} {:<{}}  {}\n", to_string(finding.verdict), finding.about, width,
                        harmless(finding.what));
    if (!finding.cure.empty()) {
      text += fmt::format("{:<8} {:<{}}  -> {}\n", "", "", width, harmless(finding.cure));
    }
  }
  return text;
}

Json in_json(const std::vector<Finding>& findings) {
  Json all = Json::array();
  for (const auto& finding : findings) {
    Json json = Json::object();
    json["verdict"] = to_string(finding.verdict);
    json["about"] = finding.about;
    json["what"] = finding.what;
    json["cure"] = finding.cure;
    all.push_back(std::move(json));
  }
  return all;
}

class DoctorCommand final : public Subcommand {
 public:
  void declare(CLI::App& app) override { app.add_flag("--json", json_, "print one JSON object"); }

  void check(std::vector<SettingProblem>&) override {}

  int run(const Invocation& invocation) override {
    const auto& options = invocation.settings.options;
    const auto findings = judge(options, gather_facts(options));
    const auto count = [&](Verdict verdict) {
      return std::count_if(findings.begin(), findings.end(),
                           [&](const auto& finding) { return finding.verdict == verdict; });
    };
    const auto problems = count(Verdict::problem);
    const auto warnings = count(Verdict::warning);

    Output output(STDOUT_FILENO);
    if (json_) {
      Json json = Json::object();
      json["version"] = TIDEGATE_VERSION;
      json["problems"] = problems;
      json["warnings"] = warnings;
      json["findings"] = in_json(findings);
      output.line(to_text(json));
    } else {
      output.line(fmt::format("{}\ntidegate {}: {} {}, {} {}", in_words(findings), TIDEGATE_VERSION,
                              problems, problems == 1 ? "problem" : "problems", warnings,
                              warnings == 1 ? "warning" : "warnings"));
    }
    output.drain(std::chrono::seconds(5));
    return problems == 0 ? exit_status::done : exit_status::failed;
  }

 private:
  bool json_ = false;
};

}  // namespace

std::unique_ptr<Subcommand> make_doctor_command() { return std::make_unique<DoctorCommand>(); }

}  // namespace tidegate
