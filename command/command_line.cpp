#include "command/command_line.hpp"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include <CLI/CLI.hpp>

#include "command/credentials.hpp"
#include "command/settings_file.hpp"
#include "discovery/seeds.hpp"
#include "peer/servers/servers.hpp"

namespace tidegate::command {
namespace {

using Strings = std::vector<std::string>;

CLI::Option* add_text_flag(CLI::App& app, const std::string& name, const std::string& help) {
  const auto keep = [](const CLI::results_t&) { return true; };
  return app.add_option("--" + name, keep, help)
      ->expected(1)  // each time; how often is judged later
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
}

Strings results_of(const CLI::Option* option) {
  return option != nullptr && option->count() > 0 ? option->results() : Strings();
}

}  // namespace

void SettingFlags::declare(CLI::App& app, const Strings& shown) {
  auto* config = add_text_flag(
      app, "config", std::string("TOML file with settings (also ") + config_variable + ")");
  config->type_name("FILE")->group("Settings");
  config_ = config;
  // `status --check` means the peer.
  if (app.get_option_no_throw("--check") == nullptr) {
    // Of two literals CLI11 can't tell what they are meant to be.
    const std::string text = "tell all that is wrong with the settings, and start nothing";
    check_ = app.add_flag("--check", text)->group("Settings");
  }
  for (const auto& setting : setting_help()) {
    const bool visible =
        !setting.secret && std::find(shown.begin(), shown.end(), setting.name) != shown.end();
    auto* option = setting.yes_or_no ? app.add_flag("--" + setting.name, setting.text)
                                     : add_text_flag(app, setting.name, setting.text);
    if (!setting.yes_or_no) option->type_name(setting.value);
    option->group(visible ? "Settings" : "");
    settings_.emplace_back(setting.name, option);
  }
}

Strings SettingFlags::values(const std::string& setting) const {
  for (const auto& [name, option] : settings_) {
    if (name == setting) return results_of(option);
  }
  return {};
}

bool SettingFlags::check() const { return check_ != nullptr && check_->count() > 0; }

Strings SettingFlags::config_files() const { return results_of(config_); }

Strings setting_names() {
  Strings names;
  for (const auto& setting : setting_help()) names.push_back(setting.name);
  return names;
}

// Those that a service may get as credentials. The keys of the mesh come as a file.
Strings secret_settings() {
  Strings names;
  for (const auto& setting : setting_help()) {
    if (setting.secret && setting.name != "keys") names.push_back(setting.name);
  }
  return names;
}

ConfigSources read_sources(const SettingFlags& front, const SettingFlags* behind,
                           std::vector<SettingProblem>& problems) {
  const auto join = [](Strings first, const Strings& second) {
    first.insert(first.end(), second.begin(), second.end());
    return first;
  };
  ConfigSources sources;
  sources.environment = environment_settings();
  sources.credentials = read_credentials(secret_settings());
  for (const auto& name : setting_names()) {
    auto values = join(front.values(name), behind != nullptr ? behind->values(name) : Strings());
    if (!values.empty()) sources.flags.emplace_back(name, std::move(values));
  }
  const auto files =
      join(front.config_files(), behind != nullptr ? behind->config_files() : Strings());
  const auto* variable = std::getenv(config_variable);
  if (files.size() > 1) {
    problems.push_back(
        {"--config", "is given " + std::to_string(files.size()) + " times; give it once"});
  }
  const auto file = files.empty() ? std::string(variable == nullptr ? "" : variable) : files[0];
  if (file.empty()) return sources;
  if (auto text = read_text_file(file)) {
    sources.file_name = file;
    sources.file_text = std::move(*text);
  } else {
    problems.push_back({files.empty() ? config_variable : "--config", text.error().message});
  }
  return sources;
}

void judge_addresses(const Configuration& configuration, std::vector<SettingProblem>& problems) {
  const auto& options = configuration.settings.options;
  const auto complain = [&](const std::string& setting, const Error& error) {
    const auto where = configuration.where.find(setting);
    problems.push_back(
        {where == configuration.where.end() ? setting : where->second, error.message});
  };
  if (const auto seeds = discovery::parse_seeds(options.seeds); !seeds) {
    complain("seeds", seeds.error());
  }
  if (options.database && !options.database->empty()) {
    const auto reader = servers::open_replay_reader(*options.database, 0);
    if (!reader) complain("database", reader.error());
  }
  if (options.primary && !options.primary->empty()) {
    const auto reader = servers::open_commit_position_reader(*options.primary, 0);
    if (!reader) complain("primary", reader.error());
  }
}

}  // namespace tidegate::command
