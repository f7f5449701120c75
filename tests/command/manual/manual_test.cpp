// The manual has all that the program understands, and the example of a file is one.
#include <algorithm>
#include <sstream>
#include <string>

#include <doctest/doctest.h>

#include "command/config.hpp"
#include "command/manual/completions.hpp"
#include "command/manual/example_file.hpp"
#include "command/manual/pages.hpp"
#include "command/manual/topics.hpp"

namespace tidegate::manual {
namespace {

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

// The three, each for itself.
bool complete(const Topics& topics, const std::string& flag) {
  return has(bash_completion(topics), flag) && has(zsh_completion(topics), flag) &&
         has(fish_completion(topics),
             flag.starts_with("--") ? " -l " + flag.substr(2) + " " : flag);
}

TEST_CASE("each command and each of its flags is in the manual and in the completions") {
  const auto topics = read_topics();
  CHECK(topics.commands.size() > 10);
  const auto program = program_page(topics);
  for (const auto& command : topics.commands) {
    CAPTURE(command.name);
    CHECK(has(program, "\\fB" + escaped(command.name) + "\\fR"));
    CHECK(complete(topics, command.name));
    const auto page = command_page(command, topics);
    for (const auto& flag : command.flags) {
      CAPTURE(flag.name);
      CHECK(has(page, escaped(flag.name)));
      if (!flag.word) CHECK(complete(topics, flag.name));
    }
  }
}

TEST_CASE("the manual tells of a flag's value and effect") {
  const auto topics = read_topics();
  const auto wait = std::find_if(topics.commands.begin(), topics.commands.end(),
                                 [](const Command& command) { return command.name == "wait"; });
  REQUIRE(wait != topics.commands.end());
  const auto page = command_page(*wait, topics);
  CHECK(has(page, "\\fB\\-\\-timeout\\fR \\fITIME\\fR\ngive up after this time (default: 10s)\n"));
}

TEST_CASE("each setting is in its page, with its flag and its variable, secrets without a flag") {
  const auto topics = read_topics();
  const auto page = settings_page(topics);
  for (const auto& setting : command::setting_help()) {
    CAPTURE(setting.name);
    CHECK(has(page, escaped(setting.variable)));
    CHECK(has(page, escaped("--" + setting.name) + "\\fR") != setting.secret);
    CHECK(complete(topics, "--" + setting.name) != setting.secret);
  }
}

// The lines that begin with # and no blank.
std::string uncommented(const std::string& text) {
  std::string result;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.size() > 1 && line[0] == '#' && line[1] != ' ') result += line.substr(1) + "\n";
  }
  return result;
}

TEST_CASE("the example of a file has each setting, and the program takes it") {
  const auto text = example_file(read_topics());
  const auto untouched = command::configure({"example", text, {}, {}});
  CHECK(untouched.problems.empty());
  CHECK(untouched.given.empty());

  const auto configuration = command::configure({"example", uncommented(text), {}, {}});
  for (const auto& problem : configuration.problems) {
    FAIL_CHECK(problem.where, ": ", problem.what);
  }
  for (const auto& setting : command::setting_help()) {
    CAPTURE(setting.name);
    CHECK(configuration.given.contains(setting.name) != setting.secret);
  }
}

TEST_CASE("neither a hyphen, a quote, a backslash nor a dot is taken for an order by the pager") {
  CHECK(escaped("--a 'b' \\ `c`") == "\\-\\-a \\(aqb\\(aq \\e \\(gac\\(ga");
  CHECK(escaped(".SH") == "\\&.SH");
}

}  // namespace
}  // namespace tidegate::manual
