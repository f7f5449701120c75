// The settings as flags of the command line: the same in front of a subcommand and behind it.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "command/config.hpp"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace tidegate::command {

class SettingFlags {
 public:
  // Adds a flag for each setting, --config and --check. Those that are not `shown` are understood
  // all the same. Their text is judged later, so that all that is wrong can be told at once.
  void declare(CLI::App& app, const std::vector<std::string>& shown);

  // After the command line was read.
  [[nodiscard]] bool check() const;
  [[nodiscard]] std::vector<std::string> values(const std::string& setting) const;
  [[nodiscard]] std::vector<std::string> config_files() const;

 private:
  std::vector<std::pair<std::string, const CLI::Option*>> settings_;
  const CLI::Option* config_ = nullptr;
  const CLI::Option* check_ = nullptr;
};

[[nodiscard]] std::vector<std::string> setting_names();

// All that was given in front of the subcommand, behind it (if there is one), in the environment
// and in the file that they name. Appends why that can't be read.
[[nodiscard]] ConfigSources read_sources(const SettingFlags& front, const SettingFlags* behind,
                                         std::vector<SettingProblem>& problems);

// Appends the seeds and connection strings that can't be read: they would stop a start.
void judge_addresses(const Configuration& configuration, std::vector<SettingProblem>& problems);

}  // namespace tidegate::command
