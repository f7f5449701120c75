#include "tests/command/doors/json_lines/json_contract.hpp"

#include <fstream>
#include <sstream>
#include <vector>

#include <doctest/doctest.h>

#include "tests/paths.hpp"

namespace tidegate::testing {
namespace {

std::vector<std::string> split(const std::string& text, const std::string& separator) {
  std::vector<std::string> parts;
  std::size_t begin = 0;
  for (auto end = text.find(separator); end != std::string::npos;
       end = text.find(separator, begin)) {
    parts.push_back(text.substr(begin, end - begin));
    begin = end + separator.size();
  }
  parts.push_back(text.substr(begin));
  return parts;
}

std::string trimmed(const std::string& text) {
  const auto first = text.find_first_not_of(' ');
  if (first == std::string::npos) return "";
  return text.substr(first, text.find_last_not_of(' ') - first + 1);
}

// The names between backticks in a cell that begins with one.
Words values_in(const std::string& cell) {
  Words values;
  if (!cell.starts_with('`')) return values;
  const auto parts = split(cell, "`");
  for (std::size_t i = 1; i < parts.size(); i += 2) {
    const auto letters = "abcdefghijklmnopqrstuvwxyz_";
    if (parts[i].find_first_not_of(letters) == std::string::npos) values.insert(parts[i]);
  }
  return values;
}

Contract read_contract(const std::string& text) {
  Contract contract;
  std::string shape;
  for (const auto& line : split(text, "\n")) {
    if (line.starts_with("### ")) shape = trimmed(line.substr(4));
    if (!line.starts_with("| `")) continue;
    const auto cells = split(line, "|");
    REQUIRE_MESSAGE(cells.size() == 6, line);
    const auto types = split(trimmed(cells[2]), " or ");
    contract[shape][split(cells[1], "`")[1]] = {.types = {types.begin(), types.end()},
                                                .values = values_in(trimmed(cells[3])),
                                                .always = trimmed(cells[4]) == "always"};
  }
  return contract;
}

}  // namespace

Contract contract_of_repository() {
  std::stringstream text;
  for (const auto* page : {"/docs/json.md", "/docs/json-documents.md"}) {
    std::ifstream stream(std::string(TIDEGATE_SOURCE_ROOT) + page);
    text << stream.rdbuf();
  }
  return read_contract(text.str());
}

std::string joined(const Words& words) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : ", ") + word;
  return text.empty() ? "nothing" : text;
}

Position a_place() {
  const auto history = History::of({{1, 0, 0}, {2, 1, 1}}).value();
  return {Branch(ServerKind::postgres, 1, history), 1};
}

}  // namespace tidegate::testing
