#include "command/pattern_hint.hpp"

#include <algorithm>
#include <vector>

namespace tidegate::command {
namespace {

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts(1);
  for (const char c : text) {
    if (c == separator) {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  return parts;
}

bool is_wild(const std::string& element) {
  return element == "*" || element == "#" || element == "+" || element == ">" || element == "**";
}

}  // namespace

std::optional<std::string> foreign_pattern_hint(std::string_view pattern) {
  const auto slashed = split(pattern, '/');
  const auto dotted = split(pattern, '.');
  const bool has_dots = slashed.size() == 1 && dotted.size() > 1 &&
                        std::any_of(dotted.begin(), dotted.end(), is_wild);
  const auto& elements = has_dots ? dotted : slashed;
  std::string meant;
  for (const auto& element : elements) {
    if (&element != &elements.front()) meant += '/';
    if (element == "+") {
      meant += '*';
    } else if (element == ">" || element == "**") {
      meant += '#';
    } else {
      meant += element;
    }
  }
  if (meant == pattern) return std::nullopt;
  return "the pattern '" + std::string(pattern) +
         "' is taken as it stands, yet it looks like one of another system; here elements are "
         "parted by '/', '*' is one element and '#' the rest: did you mean '" +
         meant + "'?";
}

}  // namespace tidegate::command
