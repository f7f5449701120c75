#include "command/subcommand.hpp"

#include <chrono>
#include <ctime>

#include <fmt/format.h>
#include <unistd.h>

#include "command/doors/json_lines/output.hpp"
#include "command/pattern_hint.hpp"
#include "command/units.hpp"
#include "lib/base/decimal.hpp"

namespace tidegate::command {

Duration duration_flag(const std::string& flag, const std::string& text, Duration otherwise,
                       std::vector<SettingProblem>& problems) {
  if (text.empty()) return otherwise;
  const auto duration = parse_duration(text);
  if (duration) return *duration;
  problems.push_back({flag, duration.error().message});
  return otherwise;
}

std::size_t count_flag(const std::string& flag, const std::string& text, std::size_t otherwise,
                       std::vector<SettingProblem>& problems) {
  if (text.empty()) return otherwise;
  const auto number = base::parse_number<std::size_t>(text);
  if (number.value_or(0) > 0) return *number;
  problems.push_back({flag, "'" + text + "' is not a count; write a whole number from 1"});
  return otherwise;
}

void write_pattern_hint(spdlog::logger& log, const std::string& pattern) {
  const auto hint = foreign_pattern_hint(pattern);
  if (hint) write(log, {LogLevel::warning, harmless(*hint)});
}

std::string time_of_day() {
  const auto now = std::time(nullptr);
  std::tm parts{};
  (void)localtime_r(&now, &parts);
  return fmt::format("{:02}:{:02}:{:02}", parts.tm_hour, parts.tm_min, parts.tm_sec);
}

int fail(const Invocation& invocation, const std::string& message) {
  write(invocation.log, {LogLevel::error, message});
  return exit_status::failed;
}

int finish(json_lines::Output& output, const Invocation& invocation, int status) {
  output.drain(std::chrono::seconds(5));
  if (output.failure().empty()) return status;
  return fail(invocation, "standard output can't be written: " + output.failure());
}

Options short_lived_options(const Invocation& invocation, const char* command) {
  auto options = invocation.settings.options;
  const auto is_flag = [&](const char* setting) {
    const auto given = invocation.given.find(setting);
    return given != invocation.given.end() && given->second == Source::flag;
  };
  if (!is_flag("name")) options.name = fmt::format("tidegate {} ({})", command, getpid());
  // In a file of settings it is that of the peer that runs here.
  if (!is_flag("state-file")) options.state_file.clear();
  if (!is_flag("record")) options.record.clear();
  return options;
}

}  // namespace tidegate::command
