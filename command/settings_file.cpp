#include "command/settings_file.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

namespace tidegate::command {
namespace {

constexpr std::size_t most_bytes = std::size_t{256} << 10U;

// Far above those in the addresses of as many seeds as there can be.
constexpr std::ptrdiff_t most_dots = 8192;

// A string of several lines is not known as one; no setting needs it. One that is not closed counts
// as none, and so does a quote where neither a key nor a value can begin.
bool ascii_outside_strings(std::string_view line) {
  char quote = 0;
  bool ascii = true;   // since the quote
  char before = '\n';  // the last character that is not blank
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (quote != 0) {
      if (static_cast<unsigned char>(c) >= 0x80) ascii = false;
      if (c == '\\' && quote == '"') ++i;
      if (c == quote) quote = 0;
    } else if (c == '"' || c == '\'') {
      if (std::string_view("\n=[,.{").find(before) == std::string_view::npos) return false;
      quote = c;
      ascii = true;
    } else if (c == '#') {
      return true;
    } else if (static_cast<unsigned char>(c) >= 0x80) {
      return false;
    }
    if (c != ' ' && c != '\t') before = c;
  }
  return quote == 0 || ascii;
}

}  // namespace

Result<std::string> read_text_file(const std::string& path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) {
    return Error{"can't read the file " + path + ": it is a directory"};
  }
  std::ifstream file(path);
  std::string text(most_bytes + 1, '\0');
  if (!file || !(file.read(text.data(), static_cast<std::streamsize>(text.size())) || file.eof())) {
    return Error{"can't read the file " + path + ": " + std::strerror(errno)};
  }
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (text.size() > most_bytes) {
    return Error{"the file " + path + " has more than " + std::to_string(most_bytes) +
                 " bytes; a file of settings is shorter"};
  }
  return text;
}

std::optional<Unparsable> unparsable(std::string_view text) {
  if (std::count(text.begin(), text.end(), '.') > most_dots) {
    return Unparsable{0, "has more dots in it than settings can need"};
  }
  for (std::size_t number = 1; !text.empty(); ++number) {
    const auto end = std::min(text.find('\n'), text.size());
    const auto first = text.find_first_not_of(" \t");
    if (first < end && text[first] == '[') {
      return Unparsable{number, "begins a table; settings stand in none, leave the line out"};
    }
    if (!ascii_outside_strings(text.substr(0, end))) {
      return Unparsable{number, "has a character outside of quotes that is not ASCII"};
    }
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return std::nullopt;
}

}  // namespace tidegate::command
