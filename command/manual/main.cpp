// Writes the manual pages, the completions and the example of a file of settings while tidegate is
// built: FILE... Each file's name says what goes into it.
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>

#include "command/manual/completions.hpp"
#include "command/manual/example_file.hpp"
#include "command/manual/pages.hpp"
#include "command/manual/topics.hpp"

namespace tidegate::manual {
namespace {

std::optional<std::string> text_of(const std::string& name, const Topics& topics) {
  if (name == "tidegate.1") return program_page(topics);
  if (name == "tidegate.toml.5") return settings_page(topics);
  if (name == "tidegate.toml") return example_file(topics);
  if (name == "tidegate.bash") return bash_completion(topics);
  if (name == "_tidegate") return zsh_completion(topics);
  if (name == "tidegate.fish") return fish_completion(topics);
  for (const auto& command : topics.commands) {
    if (name == "tidegate-" + command.name + ".1") return command_page(command, topics);
  }
  return std::nullopt;
}

int write_all(int count, char** paths) {
  const auto topics = read_topics();
  for (int i = 1; i < count; ++i) {
    const std::filesystem::path path(paths[i]);
    const auto text = text_of(path.filename(), topics);
    if (!text || !(std::ofstream(path) << *text).flush()) {
      std::fprintf(stderr, "tidegate-manual: %s can't be written: %s\n", paths[i],
                   text ? "is there room?" : "nothing has that name");
      return 1;
    }
  }
  return 0;
}

}  // namespace
}  // namespace tidegate::manual

int main(int argc, char** argv) { return tidegate::manual::write_all(argc, argv); }
