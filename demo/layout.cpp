#include "demo/layout.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <sstream>

namespace tidegate::demo {
namespace {

constexpr std::size_t width = 80;
constexpr std::size_t column = 18;
constexpr std::size_t label_width = 42;

std::string left(std::string text, std::size_t size) {
  if (text.size() < size) text.append(size - text.size(), ' ');
  return text;
}

std::string right(const std::string& text, std::size_t size) {
  return std::string(size - std::min(size, text.size()), ' ') + text;
}

std::string decimal(double value, int places) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.*f", places, value);
  return text.data();
}

}  // namespace

std::string milliseconds(Duration duration) {
  const auto value = std::chrono::duration<double, std::milli>(duration).count();
  return decimal(value, value < 10 ? 2 : 1) + " ms";
}

std::string seconds(Duration duration) {
  return decimal(std::chrono::duration<double>(duration).count(), 1) + " s";
}

std::string of(int part, int whole) {
  return std::to_string(part) + " of " + std::to_string(whole);
}

std::string table_head() { return table_line("", "ungated reader", "gated reader"); }

std::string table_line(const std::string& label, const std::string& ungated,
                       const std::string& gated) {
  return left(label, label_width) + right(ungated, column) + right(gated, column);
}

std::string meeting_line(const std::string& a, const std::string& b, Duration took) {
  return "            " + left(a + " - " + b, 20) + right(milliseconds(took), 12);
}

std::string progress_bar(int done, int all) {
  constexpr int size = 40;
  const auto filled = static_cast<std::size_t>(size * done / all);
  return "committed [" + std::string(filled, '#') + std::string(size - filled, '.') + "] " +
         of(done, all);
}

std::string wrapped(const std::string& text) {
  std::istringstream words(text);
  std::string result;
  std::size_t used = 0;
  for (std::string word; words >> word; used += word.size()) {
    if (used > 0) {
      const bool fits = used + 1 + word.size() <= width;
      result += fits ? ' ' : '\n';
      used = fits ? used + 1 : 0;
    }
    result += word;
  }
  return result;
}

}  // namespace tidegate::demo
