#include "command/manual/example_file.hpp"

namespace tidegate::manual {
namespace {

constexpr std::size_t width = 98;

// As comments that fit beside each other.
std::string comment(std::string text) {
  std::string lines;
  while (text.size() > width) {
    const auto blank = text.rfind(' ', width);
    lines += "# " + text.substr(0, blank) + "\n";
    text.erase(0, blank + 1);
  }
  return lines + "# " + text + "\n";
}

}  // namespace

std::string example_file(const Topics& topics) {
  std::string text =
      "# Settings of tidegate " + topics.version +
      ", see tidegate.toml(5). Each line that is commented out shows the default, or an\n"
      "# example where there is none. `tidegate peer --check --config FILE` tells all that is "
      "wrong.\n";
  std::string secrets;
  for (const auto& setting : topics.settings) {
    if (setting.secret) {
      secrets += "\n" + comment(setting.variable + ": " + setting.text);
    } else {
      text += "\n" + comment(setting.text) + "#" + setting.line + "\n";
    }
  }
  return text + "\n# Secrets stand in the environment alone:\n" + secrets.substr(1);
}

}  // namespace tidegate::manual
