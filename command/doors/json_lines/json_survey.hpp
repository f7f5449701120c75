// The answer of `tidegate measure --json`. json.hpp has what else there is.
#pragma once

#include <string_view>

#include "command/doors/json_lines/json.hpp"
#include "command/measure/lag_survey.hpp"

namespace tidegate::json_lines {

[[nodiscard]] Json survey_document(const command::LagSurvey& survey, std::string_view primary,
                                   std::string_view replica);

}  // namespace tidegate::json_lines
