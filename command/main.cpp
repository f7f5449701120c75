// The `tidegate` command: reads flags, environment and file, reports all that is wrong at once, and
// hands over to a subcommand.
#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fcntl.h>
#include <unistd.h>

#include "command/commands/commands.hpp"
#include "command/config.hpp"
#include "command/subcommand.hpp"
#include "command/suggestions.hpp"
#include "tidegate/version.hpp"

namespace tidegate::command {
namespace {

using Strings = std::vector<std::string>;

const std::array all_subcommands = {
    commands::make_peer_command,  commands::make_pub_command,    commands::make_sub_command,
    commands::make_peers_command, commands::make_status_command, commands::make_doctor_command,
};

constexpr const char* exit_words =
    "Exit status: 0 done; 1 failed; 2 wrong flags or settings; 3 nobody there, or not in time.";

// A subcommand with its flags, while the command line is read.
struct Entry {
  std::unique_ptr<Subcommand> command;
  CLI::App* app;
  CLI::Option* config;
  std::vector<std::pair<std::string, CLI::Option*>> settings;
};

// A flag whose text is read later, so that all that is wrong can be told at once.
CLI::Option* add_text_flag(CLI::App& app, const std::string& name, const std::string& help) {
  const auto keep = [](const CLI::results_t&) { return true; };
  return app.add_option("--" + name, keep, help)
      ->expected(1)  // each time; how often is judged later
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
}

Entry add_subcommand(CLI::App& app, std::unique_ptr<Subcommand> command) {
  const auto& description = command->description();
  auto* sub = app.add_subcommand(description.name, description.summary);
  Entry entry{std::move(command), sub, nullptr, {}};
  entry.command->declare(*sub);
  entry.config = add_text_flag(
      *sub, "config", std::string("TOML file with settings (also ") + config_variable + ")");
  entry.config->type_name("FILE")->group("Settings");
  for (const auto& setting : setting_help()) {
    auto* option = add_text_flag(*sub, setting.name, setting.text);
    const auto& shown = description.shown;
    const bool visible =
        shown.empty() || std::find(shown.begin(), shown.end(), setting.name) != shown.end();
    option->type_name(setting.value)->group(visible ? "Settings" : "");
    entry.settings.emplace_back(setting.name, option);
  }
  const std::string more =
      description.shown.empty()
          ? "Each setting can also be given in the file (held-bytes = \"64MiB\") or in the\n"
            "environment (TIDEGATE_HELD_BYTES=64MiB). A flag wins over the environment, that over\n"
            "the file.\n"
          : "`tidegate peer --help` lists all settings; they are understood here too.\n";
  sub->footer(description.examples + "\n\n" + more + exit_words);
  sub->allow_extras();  // reported with the other problems
  return entry;
}

// The words that no flag and no argument took.
void judge_extras(const Entry& entry, std::vector<SettingProblem>& problems) {
  Strings known = {"config", "help"};
  for (const auto* option : entry.app->get_options()) {
    for (const auto& name : option->get_lnames()) known.push_back(name);
  }
  for (const auto& extra : entry.app->remaining()) {
    const auto flag = extra.substr(0, extra.find('='));
    if (flag.substr(0, 2) != "--") {
      problems.push_back({extra, "is not expected here; `tidegate " +
                                     entry.command->description().name + " --help` tells what is"});
      continue;
    }
    const auto meant = near_miss(flag.substr(2), known);
    problems.push_back({flag, "there is no such flag" +
                                  (meant ? "; did you mean --" + *meant + "?" : std::string())});
  }
}

int report(const std::vector<SettingProblem>& problems) {
  for (const auto& problem : problems) {
    std::fprintf(stderr, "tidegate: %s: %s\n", harmless(problem.where).c_str(),
                 harmless(problem.what).c_str());
  }
  std::fprintf(stderr, "tidegate: %zu %s; nothing was done\n", problems.size(),
               problems.size() == 1 ? "problem" : "problems");
  return exit_status::usage;
}

int run(const Entry& entry, std::vector<SettingProblem> problems) {
  ConfigSources sources;
  sources.environment = environment_settings();
  for (const auto& [name, option] : entry.settings) {
    if (option->count() > 0) sources.flags.emplace_back(name, option->results());
  }
  const auto* variable = std::getenv(config_variable);
  const auto file = entry.config->count() > 0 ? entry.config->results().back()
                                              : std::string(variable == nullptr ? "" : variable);
  if (!file.empty()) {
    auto text = read_text_file(file);
    if (text) {
      sources.file_name = file;
      sources.file_text = std::move(*text);
    } else {
      problems.push_back(
          {entry.config->count() > 0 ? "--config" : config_variable, text.error().message});
    }
  }
  auto configuration = configure(sources);
  judge_extras(entry, problems);
  entry.command->check(problems);
  problems.insert(problems.end(), configuration.problems.begin(), configuration.problems.end());
  if (!problems.empty()) return report(problems);

  const auto log =
      make_log(configuration.settings.log_level.value_or(entry.command->description().log_level));
  for (const auto& warning : configuration.warnings) write(*log, {LogLevel::warning, warning});
  return entry.command->run(
      {std::move(configuration.settings), std::move(configuration.given), *log});
}

// A first argument that is no subcommand.
int report_unknown(const std::string& word, const std::vector<Entry>& entries) {
  Strings names;
  for (const auto& entry : entries) names.push_back(entry.command->description().name);
  const auto hint = did_you_mean(word, names);
  return report({{word, "there is no such command" +
                            (hint.empty() ? "; `tidegate --help` lists them" : hint)}});
}

int tidegate_main(int argc, char** argv) {
  CLI::App app(
      "tidegate delivers a message only after the database change it announces is visible "
      "on the\nserver that the receiver reads.",
      "tidegate");
  app.set_version_flag("--version", "tidegate " + std::string(version()));
  app.footer(std::string("`tidegate COMMAND --help` shows examples.\n") + exit_words);
  app.get_formatter()->column_width(32);
  app.allow_extras();
  std::vector<Entry> entries;
  for (const auto make : all_subcommands) entries.push_back(add_subcommand(app, make()));

  std::vector<SettingProblem> problems;
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& help) {
    return app.exit(help);
  } catch (const CLI::ParseError& error) {
    problems.push_back({"command line", error.what()});
  }
  for (const auto& entry : entries) {
    if (entry.app->parsed()) return run(entry, std::move(problems));
  }
  const auto extras = app.remaining();
  if (!extras.empty()) return report_unknown(extras.front(), entries);
  if (!problems.empty()) return report(problems);
  std::fputs(app.help().c_str(), stderr);
  return exit_status::usage;
}

// A file that is opened later must not become standard input, output or error by accident.
void open_standard_descriptors() {
  for (int descriptor = STDIN_FILENO; descriptor <= STDERR_FILENO; ++descriptor) {
    if (fcntl(descriptor, F_GETFD) == -1) (void)open("/dev/null", O_RDWR);
  }
}

}  // namespace
}  // namespace tidegate::command

int main(int argc, char** argv) {
  tidegate::command::open_standard_descriptors();
  (void)std::signal(SIGPIPE, SIG_IGN);  // a reader that is gone is an error of write()
  try {
    return tidegate::command::tidegate_main(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "tidegate: %s\n", error.what());
    return tidegate::command::exit_status::failed;
  }
}
