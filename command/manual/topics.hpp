// All that the manual pages and the completions tell, taken from the tables that the program itself
// reads its command line with: so they can't tell of a flag that is not there, or miss one.
#pragma once

#include <string>
#include <vector>

#include "command/config.hpp"

namespace tidegate::manual {

// A flag, or a word that stands for itself or for something else.
struct Flag {
  std::string name;   // "--json", "TOPIC", or "status", which is written as it stands
  std::string value;  // "TIME"; empty: it has none
  std::string text;   // what it does
  bool word = false;  // no flag
  bool needed = false;
};

struct Command {
  std::string name;
  std::string summary;
  std::string prose;  // in front of the examples, in lines as they are to stand
  std::string examples;
  std::string notes;                  // behind them
  std::vector<Flag> flags;            // of its own
  std::vector<std::string> settings;  // those that matter to it; empty: all
};

struct Topics {
  std::string version;
  std::string summary;
  std::string exit_words;
  std::vector<Flag> flags;  // in front of a command
  std::vector<Command> commands;
  std::vector<command::SettingHelp> settings;
};

[[nodiscard]] Topics read_topics();

}  // namespace tidegate::manual
