// One JSON object on a line of its own, written member by member, for files that programs read.
// Names need no quoting; texts are UTF-8.
#pragma once

#include <array>
#include <concepts>
#include <cstdio>
#include <string>
#include <string_view>

namespace tidegate::base {

class JsonLine {
 public:
  // The line is appended to `to`, and ended by end().
  explicit JsonLine(std::string& to) : to_(to) {}

  JsonLine& add(std::string_view name, std::string_view text) {
    begin(name);
    to_ += '"';
    for (const char c : text) add_character(c);
    to_ += '"';
    return *this;
  }
  JsonLine& add(std::string_view name, std::integral auto number) {
    begin(name);
    to_ += std::to_string(number);
    return *this;
  }
  JsonLine& add_true(std::string_view name) {
    begin(name);
    to_ += "true";
    return *this;
  }

  void end() { to_ += "}\n"; }

 private:
  void begin(std::string_view name) {
    to_ += first_ ? "{\"" : ",\"";
    first_ = false;
    to_ += name;
    to_ += "\":";
  }

  void add_character(char c) {
    if (static_cast<unsigned char>(c) < 0x20) {
      std::array<char, 8> text{};
      std::snprintf(text.data(), text.size(), "\\u%04x", static_cast<unsigned>(c));
      to_ += text.data();
      return;
    }
    if (c == '"' || c == '\\') to_ += '\\';
    to_ += c;
  }

  std::string& to_;
  bool first_ = true;
};

}  // namespace tidegate::base
