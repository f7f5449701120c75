// Reads the text format of Prometheus, strictly, and judges it by the conventions for names: for
// tests, and sharing no code with what writes it.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace tidegate::testing {

struct Scrape {
  std::map<std::string, double> samples;     // by name and labels, as written
  std::map<std::string, std::string> types;  // by family
  std::vector<std::string> problems;         // all that is wrong with the text
};

[[nodiscard]] Scrape read_scrape(const std::string& text);

}  // namespace tidegate::testing
