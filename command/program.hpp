// The command line of `tidegate` as it is read: the settings, and each subcommand with its flags.
// main.cpp runs it; the manual pages and completions are made from the same (command/manual/).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "command/command_line.hpp"
#include "command/subcommand.hpp"

namespace CLI {
class App;
}

namespace tidegate::command {

// A subcommand with its flags, while the command line is read.
struct Entry {
  std::unique_ptr<Subcommand> command;
  CLI::App* app;
  SettingFlags settings;
};

struct Program {
  Program();
  ~Program();
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  std::unique_ptr<CLI::App> app;
  SettingFlags front;  // the settings in front of a subcommand
  std::vector<Entry> entries;
  const CLI::App* help = nullptr;  // the subcommands that only print
  const CLI::App* version = nullptr;
  std::string help_topic;
};

extern const char* const exit_words;

}  // namespace tidegate::command
