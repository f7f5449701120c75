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

// A subcommand: its help, and how it begins.
struct Description {
  const char* name;
  const char* summary;
  const char* examples;
  Strings shown;  // settings in its help; the others are understood too. Empty: all
  LogLevel log_level;
  std::unique_ptr<Subcommand> (*make)();
};

const Strings joining = {"mesh", "interfaces", "seeds", "log-level"};

const std::array<Description, 6>& descriptions() {
  static const std::array<Description, 6> all{{
      {"peer",
       "runs the peer of an application: publishes JSON lines from standard input, prints "
       "deliveries",
       "Examples:\n"
       "  tidegate peer\n"
       "      joins the mesh 'default' on this host\n"
       "  tidegate peer --interfaces eth0 --database host=replica --primary host=primary\n"
       "      holds each message until the replica shows its change\n"
       "  echo '{\"topic\":\"builds/42/new\",\"payload\":\"hello\",\"depends\":\"commit\"}' "
       "| "
       "tidegate peer ...\n"
       "      announces a change; the peer goes on until SIGTERM\n\n"
       "\"depends\" is absent, \"none\", \"commit\" (with \"durable\":true when the commit is "
       "known to\n"
       "be flushed) or a position {\"system\":\"7423...\",\"timeline\":1,\"lsn\":\"0/3000060\"}. "
       "Bytes\n"
       "go in \"payload_base64\". A line with an \"id\" is answered: \"sent\" or \"unpublished\".",
       {},
       LogLevel::info,
       commands::make_peer_command},
      {"pub",
       "publishes one message, and makes the change that it announces if wished",
       "Examples:\n"
       "  tidegate pub builds/42/new 'hello'\n"
       "  tidegate pub builds/42/new - <file\n"
       "  tidegate pub jobs/7/new --primary host=primary --after 'INSERT INTO jobs VALUES (7)'\n"
       "      commits, and announces the commit; if nobody is there, nothing is committed",
       {"mesh", "interfaces", "seeds", "primary", "log-level"},
       LogLevel::warning,
       commands::make_pub_command},
      {"sub",
       "prints messages as they pass",
       "Examples:\n"
       "  tidegate sub 'builds/*/new'\n"
       "  tidegate sub --json --count 1 --timeout 10s --database host=replica",
       {"mesh", "interfaces", "seeds", "database", "log-level"},
       LogLevel::warning,
       commands::make_sub_command},
      {"peers",
       "lists the members of the mesh",
       "Examples:\n"
       "  tidegate peers\n"
       "  tidegate peers --json --interfaces eth0",
       {"mesh", "name", "socket", "interfaces", "seeds", "log-level"},
       LogLevel::warning,
       commands::make_peers_command},
      {"status",
       "shows a running peer of this host",
       "Examples:\n"
       "  tidegate status --watch\n"
       "  tidegate status --json --name master-1",
       {"mesh", "name", "socket", "log-level"},
       LogLevel::warning,
       commands::make_status_command},
      {"doctor",
       "looks for trouble that could keep a peer from working here",
       "Examples:\n"
       "  tidegate doctor --interfaces eth0 --database host=replica --primary host=primary",
       {"mesh", "interfaces", "beacon-port", "first-port", "last-port", "database", "primary"},
       LogLevel::warning,
       commands::make_doctor_command},
  }};
  return all;
}

constexpr const char* exit_words =
    "Exit status: 0 done; 1 failed; 2 wrong flags or settings; 3 nobody there, or not in time.";

// A subcommand with its flags, while the command line is read.
struct Entry {
  const Description* description;
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

Entry add_subcommand(CLI::App& app, const Description& description) {
  auto* sub = app.add_subcommand(description.name, description.summary);
  Entry entry{&description, description.make(), sub, nullptr, {}};
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
  sub->footer(std::string(description.examples) + "\n\n" + more + exit_words);
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
                                     std::string(entry.description->name) +
                                     " --help` tells what is"});
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
      make_log(configuration.settings.log_level.value_or(entry.description->log_level));
  for (const auto& warning : configuration.warnings) write(*log, {LogLevel::warning, warning});
  return entry.command->run(
      {std::move(configuration.settings), std::move(configuration.given), *log});
}

// A first argument that is no subcommand.
int report_unknown(const std::string& word) {
  Strings names;
  for (const auto& description : descriptions()) names.emplace_back(description.name);
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
  for (const auto& description : descriptions()) {
    entries.push_back(add_subcommand(app, description));
  }

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
  if (!extras.empty()) return report_unknown(extras.front());
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
