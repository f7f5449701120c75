// A survey of the mesh as one JSON object, which a running peer writes and `tidegate doctor
// --pairs` reads. json.hpp has what else there is.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "command/doors/json_lines/json.hpp"
#include "command/health/doctor_pairs.hpp"
#include "tidegate/result.hpp"
#include "tidegate/survey.hpp"

namespace tidegate::json_lines {

// The part that the command shows.
struct PairsReport {
  std::string mesh;
  std::size_t members = 0;
  std::size_t answered = 0;
  std::size_t left_out = 0;
  Duration took{};
  std::vector<health::PairFinding> findings;
};

[[nodiscard]] Json pairs_document(const Survey& survey, std::string_view mesh,
                                  const std::vector<health::PairFinding>& findings);

[[nodiscard]] Result<PairsReport> parse_pairs(const std::string& text);

}  // namespace tidegate::json_lines
