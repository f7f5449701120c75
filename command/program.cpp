#include "command/program.hpp"

#include <CLI/CLI.hpp>

#include "command/commands/commands.hpp"
#include "tidegate/version.hpp"

namespace tidegate::command {
namespace {

Entry add_subcommand(CLI::App& app, std::unique_ptr<Subcommand> command) {
  const auto& description = command->description();
  auto* sub = app.add_subcommand(description.name, description.summary);
  Entry entry{std::move(command), sub, {}};
  entry.command->declare(*sub);
  entry.settings.declare(*sub, description.shown.empty() ? setting_names() : description.shown);
  const std::string more =
      description.shown.empty()
          ? "Each setting can also be given in the file (held-bytes = \"64MiB\") or in the\n"
            "environment (TIDEGATE_HELD_BYTES=64MiB). A flag wins over the environment, that over\n"
            "the file. Settings may stand in front of the command too.\n"
          : "`tidegate peer --help` lists all settings; they are understood here too.\n";
  sub->footer(description.examples + "\n\n" + more + exit_words);
  sub->allow_extras();  // reported with the other problems
  return entry;
}

}  // namespace

const char* const exit_words =
    "Exit status: 0 done; 1 failed; 2 wrong flags or settings; 3 nobody there, or not in time;\n"
    "4 the peer that `status --check` has asked is in trouble; 5 to 8 answers of `wait`.";

Program::Program()
    : app(std::make_unique<CLI::App>(
          "tidegate delivers a message only after the database change it announces is visible "
          "on the\nserver that the receiver reads.",
          "tidegate")) {
  app->set_version_flag("--version", "tidegate " + std::string(tidegate::version()));
  app->footer(std::string("`tidegate help COMMAND` shows examples. Settings, such as --config and "
                          "--mesh, may\nstand in front of the command or behind it.\n") +
              exit_words);
  app->get_formatter()->column_width(32);
  app->allow_extras();
  app->require_subcommand(0, 1);  // so a topic may be called "peer"
  front.declare(*app, {});
  for (auto& command : commands::make_commands()) {
    entries.push_back(add_subcommand(*app, std::move(command)));
  }
  auto* helper = app->add_subcommand("help", "shows this, or the help of one command");
  helper->add_option("COMMAND", help_topic, "the one to explain")->type_name("");
  help = helper;
  version = app->add_subcommand("version", "prints the version");
}

Program::~Program() = default;

}  // namespace tidegate::command
