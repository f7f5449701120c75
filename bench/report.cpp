#include "bench/report.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <iostream>

#include <fmt/format.h>
#include <unistd.h>

namespace tidegate::bench {

void Report::add(const Table& table) const {
  std::vector<std::size_t> widths(table.head.size());
  const auto measure = [&](const std::vector<std::string>& row) {
    for (std::size_t i = 0; i < widths.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  };
  measure(table.head);
  for (const auto& row : table.rows) measure(row);
  const auto print = [&](const std::vector<std::string>& row) {
    std::string line;
    for (std::size_t i = 0; i < widths.size(); ++i) {
      line += i == 0 ? fmt::format("{:<{}}", row[i], widths[i])
                     : fmt::format("  {:>{}}", row[i], widths[i]);
    }
    std::cout << line << "\n";
  };
  std::cout << "\n" << table.title << "\n\n";
  print(table.head);
  for (const auto& row : table.rows) print(row);
  for (const auto& note : table.notes) std::cout << note << "\n";
  std::cout << std::flush;
}

void Report::progress(const std::string& text) const {
  const bool terminal = ::isatty(STDERR_FILENO) != 0;
  if (!terminal && text.empty()) return;
  std::cerr << (terminal ? "\r\033[K" : "") << text << (terminal ? "" : "\n") << std::flush;
}

std::string rounded(double value) {
  if (value == 0) return "0";
  const auto digits = static_cast<int>(std::floor(std::log10(std::fabs(value)))) + 1;
  if (digits >= 3) {
    const auto unit = std::pow(10, digits - 3);
    return fmt::format("{:.0f}", std::round(value / unit) * unit);
  }
  return fmt::format("{:.{}f}", value, std::min(3 - digits, 3));
}

}  // namespace tidegate::bench
