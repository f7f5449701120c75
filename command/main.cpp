// The `tidegate` command: reads flags, environment and file, reports all that is wrong at once, and
// hands over to a subcommand.
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "command/config.hpp"
#include "command/program.hpp"
#include "command/renamed_settings.hpp"
#include "command/secret_words.hpp"
#include "command/suggestions.hpp"

namespace tidegate::command {
namespace {

using Strings = std::vector<std::string>;

Strings command_names(const std::vector<Entry>& entries) {
  Strings names = {"help", "version"};
  for (const auto& entry : entries) names.push_back(entry.command->description().name);
  return names;
}

SettingProblem unknown_command(const std::string& word, const std::vector<Entry>& entries) {
  const auto hint = did_you_mean(word, command_names(entries));
  return {word,
          "there is no such command" + (hint.empty() ? "; `tidegate --help` lists them" : hint)};
}

SettingProblem unknown_flag(const std::string& flag, Strings known) {
  if (const auto now = renamed_setting(flag.substr(2))) {
    return {flag, fmt::format("is called --{} now", *now)};
  }
  known.insert(known.end(), {"config", "check", "help"});
  const auto meant = near_miss(flag.substr(2), known);
  return {flag, "there is no such flag" + (meant ? "; did you mean --" + *meant + "?" : "")};
}

std::string flag_of(const std::string& word) {
  return word.substr(0, 2) == "--" ? word.substr(0, word.find('=')) : "";
}

// The words behind the command that no flag and no argument took.
void judge_words_behind(const Entry& entry, std::vector<SettingProblem>& problems) {
  Strings known;
  for (const auto* option : entry.app->get_options()) {
    for (const auto& name : option->get_lnames()) known.push_back(name);
  }
  for (const auto& word : entry.app->remaining()) {
    if (const auto flag = flag_of(word); !flag.empty()) {
      problems.push_back(unknown_flag(flag, known));
    } else {
      problems.push_back({word, "is not expected here; `tidegate " +
                                    entry.command->description().name + " --help` tells what is"});
    }
  }
}

// The words in front of the command: settings may stand there, and nothing else.
void judge_words_before(const CLI::App& app, const std::vector<Entry>& entries, const Entry* chosen,
                        std::vector<SettingProblem>& problems) {
  for (const auto& word : app.remaining()) {
    const auto flag = flag_of(word);
    if (flag.empty()) {
      problems.push_back(unknown_command(word, entries));
    } else if (chosen != nullptr && chosen->app->get_option_no_throw(flag) != nullptr) {
      problems.push_back({flag, "stands behind the command: tidegate " +
                                    chosen->command->description().name + " " + flag});
    } else {
      problems.push_back(unknown_flag(flag, setting_names()));
    }
  }
}

int report(const std::vector<SettingProblem>& problems) {
  const auto shown = [](const std::string& text) {
    return may_be_secret(text) ? "(not shown, as a password or a key may be in it)"
                               : harmless(text);
  };
  for (const auto& problem : problems) {
    std::fprintf(stderr, "tidegate: %s: %s\n", shown(problem.where).c_str(),
                 shown(problem.what).c_str());
  }
  std::fprintf(stderr, "tidegate: %zu %s; nothing was done\n", problems.size(),
               problems.size() == 1 ? "problem" : "problems");
  return exit_status::usage;
}

// The end of --check.
int say_all_is_right(const Configuration& configuration) {
  std::string given;
  for (const auto& [name, place] : configuration.where) {
    given += fmt::format("  {} ({})\n", name, harmless(place));
  }
  std::printf("%s", fmt::format("the settings are right; nothing was started. {}{}",
                                given.empty() ? "All have their defaults.\n" : "Given:\n", given)
                        .c_str());
  return exit_status::done;
}

// A password that others can read, or could.
std::vector<std::string> exposed_passwords(const Configuration& configuration,
                                           const std::string& file) {
  Strings exposed;
  const auto& options = configuration.settings.options;
  for (const auto& [server, name] :
       {std::pair(&options.database, "database"), std::pair(&options.primary, "primary")}) {
    const auto given = configuration.given.find(name);
    if (!*server || given == configuration.given.end() || !may_be_secret(**server)) continue;
    if (given->second == Source::flag) {
      exposed.push_back(fmt::format(
          "a password stood in --{}, where every user of this host can read it until the program "
          "runs; put it into ~/.pgpass, a file of settings or the environment",
          name));
    } else if (given->second == Source::file && others_may_read(file)) {
      exposed.push_back(
          fmt::format("others may read {}, and {} has a password; chmod 600 {}", file, name, file));
    }
  }
  return exposed;
}

void write_hints(const Configuration& configuration, const std::string& file, spdlog::logger& log) {
  for (const auto& warning : configuration.warnings) write(log, {LogLevel::warning, warning});
  for (const auto& warning : exposed_passwords(configuration, file)) {
    write(log, {LogLevel::warning, warning});
  }
  if (configuration.service_links.empty()) return;
  const auto& first = configuration.service_links.front();
  write(log, {LogLevel::info,
              fmt::format("{} {} of a service that is called tidegate {} ignored, such as {}; "
                          "enableServiceLinks: false in a pod keeps them away",
                          configuration.service_links.size(),
                          configuration.service_links.size() == 1 ? "variable" : "variables",
                          configuration.service_links.size() == 1 ? "is" : "are", first)});
}

// `entry`: nothing when only --check was given.
int run(const SettingFlags& front, const Entry* entry, std::vector<SettingProblem> problems) {
  bool check = front.check();
  auto sources = read_sources(front, entry != nullptr ? &entry->settings : nullptr, problems);
  auto configuration = configure(sources);
  if (entry != nullptr) {
    check = check || entry->settings.check();
    judge_words_behind(*entry, problems);
    entry->command->check(problems);
  }
  problems.insert(problems.end(), configuration.problems.begin(), configuration.problems.end());
  if (check) judge_addresses(configuration, problems);
  if (!problems.empty()) return report(problems);

  const auto level = entry != nullptr ? entry->command->description().log_level : LogLevel::warning;
  const auto log =
      make_log(configuration.settings.log_level.value_or(level), configuration.settings.log_format);
  write_hints(configuration, sources.file_name, *log);
  if (check) return say_all_is_right(configuration);
  const auto reload = [&] {
    std::vector<SettingProblem> wrong;
    auto again = configure(read_sources(front, &entry->settings, wrong));
    again.problems.insert(again.problems.begin(), wrong.begin(), wrong.end());
    return again;
  };
  return entry->command->run(
      {std::move(configuration.settings), std::move(configuration.given), *log, reload});
}

// `tidegate help`, or `tidegate help peer`.
int print_help(const CLI::App& app, const std::string& topic, const std::vector<Entry>& entries) {
  const CLI::App* wanted = topic.empty() ? &app : nullptr;
  for (const auto& entry : entries) {
    if (entry.command->description().name == topic) wanted = entry.app;
  }
  if (wanted == nullptr) return report({unknown_command(topic, entries)});
  // Not help() of the app itself: that is about the subcommand that was read, which is `help`.
  const auto command_line = "tidegate" + (topic.empty() ? "" : " " + topic);
  const auto text =
      app.get_formatter()->make_help(wanted, command_line, CLI::AppFormatMode::Normal);
  std::fputs(text.c_str(), stdout);
  return exit_status::done;
}

int tidegate_main(Strings words) {
  Program program;
  auto& app = *program.app;
  const auto& entries = program.entries;
  std::vector<SettingProblem> problems;
  try {
    std::reverse(words.begin(), words.end());  // as it wants them
    app.parse(std::move(words));
  } catch (const CLI::Success& done) {
    return app.exit(done);
  } catch (const CLI::ParseError& error) {
    problems.push_back({"command line", error.what()});
  }
  const auto chosen = std::find_if(entries.begin(), entries.end(),
                                   [](const Entry& entry) { return entry.app->parsed(); });
  const auto* entry = chosen == entries.end() ? nullptr : &*chosen;
  judge_words_before(app, entries, entry, problems);
  if (entry != nullptr) return run(program.front, entry, std::move(problems));
  if (!problems.empty()) return report(problems);
  if (program.help->parsed()) return print_help(app, program.help_topic, entries);
  if (program.version->parsed()) {
    std::puts(app.version().c_str());
    return exit_status::done;
  }
  if (program.front.check()) return run(program.front, nullptr, {});
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
    return tidegate::command::tidegate_main(tidegate::command::take_arguments(argc, argv));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "tidegate: %s\n", error.what());
    return tidegate::command::exit_status::failed;
  }
}
