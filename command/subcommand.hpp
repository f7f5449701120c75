// Shared by the subcommands of `tidegate`: their shape and their exit statuses.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "command/config.hpp"

namespace CLI {
class App;
}
namespace spdlog {
class logger;
}
namespace tidegate::json_lines {
class Output;
}

namespace tidegate::command {

namespace exit_status {
inline constexpr int done = 0;
inline constexpr int failed = 1;   // it could not be done; standard error says why
inline constexpr int usage = 2;    // wrong flags or settings: nothing was done
inline constexpr int nobody = 3;   // no peer was there, or what was waited for did not come in time
inline constexpr int trouble = 4;  // `status --check`: the peer runs, and something troubles it
// `wait`: the change is not visible,
inline constexpr int not_yet = 5;            // in the time that was given
inline constexpr int orphaned = 6;           // and never will be: a failover has undone it,
inline constexpr int in_doubt = 7;           // or may have,
inline constexpr int foreign = 8;            // or it is of another cluster
inline constexpr int nothing_published = 9;  // `trace`: there was no message to follow
}  // namespace exit_status

// The input of a subcommand, once everything has been found to be right.
struct Invocation {
  Settings settings;
  std::map<std::string, Source> given;
  spdlog::logger& log;
  std::function<Configuration()> reload;  // reads all sources again
};

// A subcommand in the help, and how it begins.
struct Description {
  std::string name;
  std::string summary;
  std::string examples;
  std::vector<std::string> shown;  // settings in its help; all are understood. Empty: all
  LogLevel log_level = LogLevel::warning;
};

class Subcommand {
 public:
  explicit Subcommand(Description description) : description_(std::move(description)) {}
  Subcommand(const Subcommand&) = delete;
  Subcommand& operator=(const Subcommand&) = delete;
  virtual ~Subcommand() = default;

  [[nodiscard]] const Description& description() const { return description_; }

  // Adds the flags of its own. They are taken as text and judged by check().
  virtual void declare(CLI::App& app) = 0;

  // Appends all that is wrong with its own flags.
  virtual void check(std::vector<SettingProblem>& problems) = 0;

  // Only after check() found nothing wrong. The result is an exit status.
  virtual int run(const Invocation& invocation) = 0;

 private:
  Description description_;
};

// A non-empty text as a duration or a whole number; appends what is wrong with it. The result is
// the default when the text is empty or wrong.
[[nodiscard]] Duration duration_flag(const std::string& flag, const std::string& text,
                                     Duration otherwise, std::vector<SettingProblem>& problems);
[[nodiscard]] std::size_t count_flag(const std::string& flag, const std::string& text,
                                     std::size_t otherwise, std::vector<SettingProblem>& problems);

// Says that a pattern looks like one of another system.
void write_pattern_hint(spdlog::logger& log, const std::string& pattern);

// Writes what is left; the status, or failed with a line in the log when the output can't be
// written (a full disk).
[[nodiscard]] int finish(json_lines::Output& output, const Invocation& invocation, int status);

// "16:51:56" by the clock of this host, at the head of what is shown again and again.
[[nodiscard]] std::string time_of_day();

// Writes why to the log; failed.
[[nodiscard]] int fail(const Invocation& invocation, const std::string& message);

// The options of a peer that lives only for a moment. It must not be taken for the application
// whose settings it shares, so a name and a state file count only if they were given as flags.
[[nodiscard]] Options short_lived_options(const Invocation& invocation, const char* command);

}  // namespace tidegate::command
