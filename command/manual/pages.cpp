#include "command/manual/pages.hpp"

#include <cctype>
#include <string_view>

namespace tidegate::manual {
namespace {

// Of the text, as the pages of one release look the same wherever they are made.
constexpr const char* date = "2026-11-27";

std::string upper(std::string text) {
  for (char& c : text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return text;
}

std::string header(const std::string& name, const char* section, const std::string& version) {
  return ".TH " + upper(escaped(name)) + " " + section + " " + date + " \"tidegate " + version +
         "\" \"tidegate\"\n";
}

std::string heading(const std::string& title) { return ".SH " + title + "\n"; }

// Words in lines of which mandoc says no bad word. A line that began with a dot would be an order.
std::string prose(std::string text) {
  constexpr std::size_t width = 78;
  std::string lines;
  const auto add = [&](const std::string& line) {
    lines += (line.starts_with('.') ? "\\&" : "") + line + "\n";
  };
  while (text.size() > width) {
    auto blank = text.rfind(' ', width);
    if (blank == std::string::npos) blank = text.find(' ');
    if (blank == std::string::npos) break;
    add(text.substr(0, blank));
    text.erase(0, blank + 1);
  }
  add(text);
  return lines;
}

// A summary begins with a small letter and ends without a full stop, as those of man(1) do.
std::string name_section(const std::string& name, const std::string& summary) {
  return heading("NAME") + prose(escaped(name) + " \\- " + escaped(summary));
}

// Lines as they are; an empty one becomes a distance, which mandoc wants.
std::string verbatim(std::string_view text) {
  while (text.ends_with('\n')) text.remove_suffix(1);
  if (text.empty()) return "";
  std::string lines = ".EX\n";
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    lines += end == 0 ? ".sp" : escaped(std::string(text.substr(0, end)));
    lines += '\n';
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines + ".EE\n";
}

std::string bold(const std::string& text) { return "\\fB" + escaped(text) + "\\fR"; }
std::string italic(const std::string& text) { return "\\fI" + escaped(text) + "\\fR"; }

std::string item(const std::string& what, const std::string& text) {
  return ".TP\n" + what + "\n" + prose(escaped(text));
}

// A word that stands for something else is written in capitals.
std::string shown(const Flag& flag) {
  const bool itself = !flag.word || std::islower(static_cast<unsigned char>(flag.name[0])) != 0;
  return (itself ? bold(flag.name) : italic(flag.name)) +
         (flag.value.empty() ? "" : " " + italic(flag.value));
}

std::string options(const std::vector<Flag>& flags) {
  std::string text = heading("OPTIONS");
  for (const auto& flag : flags) text += item(shown(flag), flag.text);
  return text + item(bold("--help"), "show the flags, with examples");
}

std::string synopsis(const Command& command) {
  std::string line = heading("SYNOPSIS") + bold("tidegate " + command.name);
  for (const auto& flag : command.flags) {
    line += flag.needed ? " " + shown(flag) : " [" + shown(flag) + "]";
  }
  return line + " [" + italic("SETTINGS") + "]\n";
}

std::string settings_of(const Command& command) {
  std::string text = heading("SETTINGS");
  if (command.settings.empty()) {
    return text + "All of " + bold("tidegate.toml") + "(5), each as a flag too.\n";
  }
  text += "Of those in " + bold("tidegate.toml") + "(5), each as a flag too, these matter here:\n";
  for (std::size_t i = 0; i < command.settings.size(); ++i) {
    text += bold(command.settings[i]) + (i + 1 < command.settings.size() ? ",\n" : ".\n");
  }
  return text + "The others are understood.\n";
}

std::string page_name(const Command& command) { return "tidegate-" + command.name; }

std::string see_also() {
  return heading("SEE ALSO") +
         "\\fBtidegate\\fR(1), \\fBtidegate.toml\\fR(5), \\fBtidegate\\fR(7)\n";
}

std::string exit_status(const std::string& words) {
  return heading("EXIT STATUS") + verbatim(words.substr(words.find(": ") + 2));
}

}  // namespace

std::string escaped(const std::string& text) {
  std::string result;
  for (const char sign : text) {
    switch (sign) {
      case '\\':
        result += "\\e";
        break;
      case '-':
        result += "\\-";
        break;
      case '\'':
        result += "\\(aq";
        break;
      case '`':
        result += "\\(ga";
        break;
      case '^':
        result += "\\(ha";
        break;
      case '~':
        result += "\\(ti";
        break;
      case '.':
        result += result.empty() ? "\\&." : ".";
        break;
      default:
        result += sign;
    }
  }
  return result;
}

std::string program_page(const Topics& topics) {
  auto text =
      header("tidegate", "1", topics.version) +
      name_section("tidegate", "messages that arrive after the database change they announce") +
      heading("SYNOPSIS") + bold("tidegate") + " [" + italic("SETTINGS") + "] " +
      italic("COMMAND") + " ...\n" + heading("DESCRIPTION") + escaped(topics.summary) +
      ".\n.PP\nWhat is promised, and how it works, is told in \\fBtidegate\\fR(7).\n" +
      heading("COMMANDS");
  for (const auto& command : topics.commands) {
    text += item(bold(command.name), command.summary);
    if (!command.settings.empty() || !command.examples.empty()) {
      text += "See " + bold(page_name(command)) + "(1).\n";
    }
  }
  return text + options(topics.flags) + settings_of({}) + exit_status(topics.exit_words) +
         heading("SEE ALSO") + bold("tidegate.toml") + "(5), " + bold("tidegate") + "(7)\n";
}

std::string command_page(const Command& command, const Topics& topics) {
  const auto name = page_name(command);
  auto text = header(name, "1", topics.version) + name_section(name, command.summary) +
              synopsis(command) + heading("DESCRIPTION");
  text += command.prose.empty()
              ? bold("tidegate " + command.name) + " " + escaped(command.summary) + ".\n"
              : verbatim(command.prose);
  text += options(command.flags) + settings_of(command);
  if (!command.examples.empty()) text += heading("EXAMPLES") + verbatim(command.examples);
  if (!command.notes.empty()) text += heading("NOTES") + verbatim(command.notes);
  return text + exit_status(topics.exit_words) + see_also();
}

std::string settings_page(const Topics& topics) {
  auto text = header("tidegate.toml", "5", topics.version) +
              name_section("tidegate.toml", "settings of tidegate") + heading("DESCRIPTION") +
              "A file of settings in TOML, named by " + bold("--config") + " or " +
              bold(command::config_variable) +
              ": one setting on a line, in no table.\n"
              "Each can also be given in the environment or as a flag.\n"
              "A flag wins over the environment, that over the file.\n"
              "A list is separated by commas in the environment, and its flag is repeated.\n"
              "Sizes have a unit (64MiB), times too (500ms, 5min).\n"
              ".PP\n" +
              bold("tidegate peer --check --config FILE") +
              " tells all that is wrong with a file, and starts nothing.\n" + heading("SETTINGS");
  for (const auto& setting : topics.settings) {
    if (setting.secret) {
      text += item(bold(setting.variable) + "=" + italic(setting.value),
                   setting.text + "; a secret, so it stands in the environment alone");
      continue;
    }
    text += item(bold(setting.line), setting.text);
    text += ".br\nFlag " + bold("--" + setting.name) +
            (setting.yes_or_no ? "" : " " + italic(setting.value)) + ", variable " +
            bold(setting.variable) + ".\n";
  }
  return text + see_also();
}

}  // namespace tidegate::manual
