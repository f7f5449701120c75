// The figures of a run of tidegate-bench: tables for people, JSON for programs. Progress is
// told on the standard error, so that the output can be saved.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace tidegate::bench {

struct Table {
  std::string title;
  std::vector<std::string> head;  // the first column is aligned left, the others right
  std::vector<std::vector<std::string>> rows;
  std::vector<std::string> notes;  // below it
};

class Report {
 public:
  // Prints it.
  void add(const Table& table) const;
  // "": nothing is to come.
  void progress(const std::string& text) const;

  // All figures, under the name of the bench, in SI units unless the name says otherwise.
  nlohmann::json figures = nlohmann::json::object();
};

// Rounded to what can be trusted: three digits.
[[nodiscard]] std::string rounded(double value);

}  // namespace tidegate::bench
