#include "command/manual/completions.hpp"

#include <algorithm>
#include <cctype>
#include <string_view>

namespace tidegate::manual {
namespace {

using Words = std::vector<std::string>;

// The settings as flags, which are understood in front of a command and behind it.
std::vector<Flag> setting_flags(const Topics& topics) {
  std::vector<Flag> flags;
  for (const auto& setting : topics.settings) {
    if (setting.secret) continue;
    flags.push_back({"--" + setting.name, setting.yes_or_no ? "" : setting.value, setting.text});
  }
  return flags;
}

bool names_file(const Flag& flag) {
  return flag.value == "PATH" || flag.value == "FILE" || flag.value == "DIR";
}

// "tcp|ipc", or the levels of the log.
Words choices(const Flag& flag) {
  if (flag.value == "LEVEL") return {"debug", "info", "warning", "error"};
  Words words;
  std::string_view left = flag.value;
  if (left.find('|') == std::string_view::npos) return {};
  while (!left.empty()) {
    const auto end = std::min(left.find('|'), left.size());
    words.emplace_back(left.substr(0, end));
    left.remove_prefix(std::min(end + 1, left.size()));
  }
  return words;
}

// A word such as `status` is offered, one such as TOPIC is the user's.
bool offered(const Flag& flag) {
  return !flag.word || std::islower(static_cast<unsigned char>(flag.name.front())) != 0;
}

std::string joined(const Words& words, const char* between) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : between) + word;
  return text;
}

Words names(const std::vector<Flag>& flags) {
  Words words;
  for (const auto& flag : flags) {
    if (offered(flag)) words.push_back(flag.name);
  }
  return words;
}

Words command_names(const Topics& topics) {
  Words words;
  for (const auto& command : topics.commands) words.push_back(command.name);
  return words;
}

// All flags with a value, each once.
std::vector<Flag> flags_with_value(const Topics& topics) {
  auto flags = setting_flags(topics);
  const auto add = [&](const std::vector<Flag>& more) {
    for (const auto& flag : more) {
      const bool known = std::any_of(flags.begin(), flags.end(),
                                     [&](const Flag& one) { return one.name == flag.name; });
      if (!known) flags.push_back(flag);
    }
  };
  add(topics.flags);
  for (const auto& command : topics.commands) add(command.flags);
  std::erase_if(flags, [](const Flag& flag) { return flag.value.empty(); });
  return flags;
}

std::string quoted(const std::string& text) {
  std::string result = "'";
  for (const char c : text) result += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return result + "'";
}

// --- zsh -----------------------------------------------------------------------------------------

// A text within the brackets of _arguments, or in front of a colon.
std::string zsh_text(const std::string& text) {
  std::string result;
  for (const char c : text) {
    if (c == '[' || c == ']' || c == ':' || c == '\\') result += '\\';
    result += c;
  }
  return result;
}

std::string zsh_flag(const Flag& flag) {
  auto spec = "*" + flag.name + "[" + zsh_text(flag.text) + "]";
  if (!flag.value.empty()) {
    spec += ":" + zsh_text(flag.value) + ":";
    const auto values = choices(flag);
    if (names_file(flag)) spec += "_files";
    if (!values.empty()) spec += "(" + joined(values, " ") + ")";
  }
  return "    " + quoted(spec) + "\n";
}

std::string zsh_word(const Flag& flag) {
  const auto kind = zsh_text(flag.text) + ":" + (offered(flag) ? "(" + flag.name + ")" : "");
  return "    " + quoted("*::" + kind) + "\n";
}

std::string zsh_command(const Command& command, const Words& commands) {
  std::string text = "        " + command.name + ")\n          own=(\n";
  for (const auto& flag : command.flags) {
    if (!flag.word) text += "        " + zsh_flag(flag);
  }
  const auto word = std::find_if(command.flags.begin(), command.flags.end(),
                                 [](const Flag& flag) { return flag.word; });
  if (command.name == "help") {
    text += "            " + quoted("1:command:(" + joined(commands, " ") + ")") + "\n";
  } else if (word != command.flags.end()) {
    text += "        " + zsh_word(*word);
  }
  return text + "          )\n          ;;\n";
}

// --- fish ----------------------------------------------------------------------------------------

std::string fish_flag(const std::string& where, const Flag& flag) {
  auto line = "complete -c tidegate" + where;
  const auto values = choices(flag);
  if (flag.word) {
    line += " -f -a " + flag.name;
  } else {
    line += " -l " + flag.name.substr(2);
    if (names_file(flag)) {
      line += " -r -F";
    } else if (!values.empty()) {
      line += " -x -a " + quoted(joined(values, " "));
    } else if (!flag.value.empty()) {
      line += " -x";
    } else {
      line += " -f";
    }
  }
  std::string text;
  for (const char c : flag.text) text += c == '\\' ? "\\\\" : c == '\'' ? "\\'" : std::string(1, c);
  return line + " -d '" + text + "'\n";
}

}  // namespace

std::string bash_completion(const Topics& topics) {
  std::string files;
  std::string few;
  Words others;
  Words with_file;
  for (const auto& flag : flags_with_value(topics)) {
    const auto values = choices(flag);
    if (names_file(flag)) {
      with_file.push_back(flag.name);
    } else if (values.empty()) {
      others.push_back(flag.name);
    } else {
      few += "    " + flag.name + ") words=" + quoted(joined(values, " ")) + " ;;\n";
    }
  }
  Words valued = with_file;
  for (const auto& flag : flags_with_value(topics)) valued.push_back(flag.name);
  const auto settings = joined(names(setting_flags(topics)), " ");
  const auto all_commands = joined(command_names(topics), " ");
  std::string own;
  for (const auto& command : topics.commands) {
    auto words = names(command.flags);
    words.push_back("--help");
    if (command.name == "help") words = command_names(topics);
    own += "      " + command.name + ") words=" + quoted(joined(words, " ")) + " ;;\n";
  }
  return "# bash completion for tidegate, made from its own tables\n"
         "_tidegate() {\n"
         "  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}\n"
         "  local command='' words='' i\n"
         "  COMPREPLY=()\n"
         "  for ((i = 1; i < COMP_CWORD; ++i)); do\n"
         "    case ${COMP_WORDS[i]} in\n"
         "      " +
         joined(valued, "|") +
         ") ((++i)) ;;\n"
         "      " +
         joined(command_names(topics), "|") +
         ") command=${COMP_WORDS[i]}; break ;;\n"
         "    esac\n"
         "  done\n"
         "  case $before in\n"
         "    " +
         joined(with_file, "|") +
         ")\n"
         "      compopt -o filenames 2>/dev/null\n"
         "      mapfile -t COMPREPLY < <(compgen -f -- \"$word\")\n"
         "      return ;;\n" +
         few + "    " + joined(others, "|") +
         ") return ;;\n"
         "  esac\n"
         "  if [[ -z $words ]]; then\n"
         "    case $command in\n"
         "      '') words=" +
         quoted(all_commands + " " + joined(names(topics.flags), " ")) + " ;;\n" + own +
         "    esac\n"
         "    [[ $word != -* ]] || words+=" +
         quoted(" " + settings) +
         "\n"
         "  fi\n"
         "  mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$word\")\n"
         "}\n"
         "complete -F _tidegate tidegate\n";
}

std::string zsh_completion(const Topics& topics) {
  std::string text =
      "#compdef tidegate\n"
      "# Made from the tables of tidegate.\n"
      "_tidegate() {\n"
      "  local -a settings commands own\n"
      "  local context state state_descr line\n"
      "  typeset -A opt_args\n"
      "  settings=(\n";
  for (const auto& flag : setting_flags(topics)) text += zsh_flag(flag);
  text += "  )\n  own=(\n";
  for (const auto& flag : topics.flags) text += zsh_flag(flag);
  text += "  )\n  commands=(\n";
  for (const auto& command : topics.commands) {
    text += "    " + quoted(command.name + ":" + zsh_text(command.summary)) + "\n";
  }
  text +=
      "  )\n"
      "  _arguments -C $settings $own '1:command:->command' '*::argument:->argument'\n"
      "  case $state in\n"
      "    command) _describe command commands ;;\n"
      "    argument)\n"
      "      own=()\n"
      "      case $words[1] in\n";
  const auto commands = command_names(topics);
  for (const auto& command : topics.commands) text += zsh_command(command, commands);
  return text +
         "      esac\n"
         "      _arguments $settings $own\n"
         "      ;;\n"
         "  esac\n"
         "}\n"
         "_tidegate \"$@\"\n";
}

std::string fish_completion(const Topics& topics) {
  std::string text =
      "# fish completion for tidegate, made from its own tables\n"
      "complete -c tidegate -f\n";
  for (const auto& flag : setting_flags(topics)) text += fish_flag("", flag);
  for (const auto& flag : topics.flags) text += fish_flag(" -n __fish_use_subcommand", flag);
  for (const auto& command : topics.commands) {
    text += fish_flag(" -n __fish_use_subcommand", {command.name, "", command.summary, true});
  }
  for (const auto& command : topics.commands) {
    const auto where = " -n '__fish_seen_subcommand_from " + command.name + "'";
    for (const auto& flag : command.flags) {
      if (offered(flag)) text += fish_flag(where, flag);
    }
  }
  for (const auto& command : command_names(topics)) {
    text += "complete -c tidegate -n '__fish_seen_subcommand_from help' -f -a " + command + "\n";
  }
  return text;
}

}  // namespace tidegate::manual
