#include "command/manual/topics.hpp"

#include <string_view>

#include <CLI/CLI.hpp>

#include "command/program.hpp"
#include "tidegate/version.hpp"

namespace tidegate::manual {
namespace {

constexpr std::string_view examples_begin = "Examples:\n";

Flag flag_of(const CLI::Option& option) {
  const bool word = option.get_positional();
  return {word ? option.get_name(true) : "--" + option.get_lnames().front(),
          option.get_items_expected_max() > 0 && !word ? option.get_type_name() : "",
          option.get_description(), word, option.get_required()};
}

// Those that CLI11 shows and that are no settings: their group is its default.
std::vector<Flag> own_flags(const CLI::App& app) {
  std::vector<Flag> flags;
  for (const auto* option : app.get_options()) {
    const bool unmentioned = option == app.get_help_ptr();
    if (option->get_group() == "Options" && !unmentioned) flags.push_back(flag_of(*option));
  }
  return flags;
}

// --config and --check, where it is the general one.
std::vector<Flag> general_flags(const CLI::App& app) {
  std::vector<Flag> flags;
  for (const auto* name : {"--config", "--check"}) {
    const auto* option = app.get_option_no_throw(name);
    if (option != nullptr && option->get_group() == "Settings") flags.push_back(flag_of(*option));
  }
  return flags;
}

Command command_of(const command::Description& description, const CLI::App& app) {
  Command command{description.name, description.summary, {}, {}, {},
                  own_flags(app),   description.shown};
  const auto general = general_flags(app);
  command.flags.insert(command.flags.end(), general.begin(), general.end());
  const auto& text = description.examples;
  const auto begin = text.find(examples_begin);
  if (begin == std::string::npos) {
    command.prose = text;
    return command;
  }
  command.prose = text.substr(0, begin);
  const auto examples = text.substr(begin + examples_begin.size());
  const auto end = std::min(examples.find("\n\n"), examples.size());
  command.examples = examples.substr(0, end);
  command.notes = examples.substr(std::min(end + 2, examples.size()));
  return command;
}

}  // namespace

Topics read_topics() {
  const command::Program program;
  Topics topics;
  topics.version = version();
  topics.summary = program.app->get_description();
  topics.exit_words = command::exit_words;
  topics.flags = own_flags(*program.app);
  const auto general = general_flags(*program.app);
  topics.flags.insert(topics.flags.end(), general.begin(), general.end());
  for (const auto& entry : program.entries) {
    topics.commands.push_back(command_of(entry.command->description(), *entry.app));
  }
  for (const auto* app : {program.help, program.version}) {
    topics.commands.push_back(
        {.name = app->get_name(), .summary = app->get_description(), .flags = own_flags(*app)});
  }
  topics.settings = command::setting_help();
  return topics;
}

}  // namespace tidegate::manual
