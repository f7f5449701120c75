// All that a peer knows about itself, as metrics of Prometheus: /metrics. docs/monitoring.md
// explains each of them, and metrics_test.cpp compares the two.
#pragma once

#include <string>
#include <string_view>

#include "command/doors/json_lines/json.hpp"

namespace tidegate::http_door {

// `version`: of the program.
[[nodiscard]] std::string metrics_text(const json_lines::PeerReport& report,
                                       std::string_view version);

}  // namespace tidegate::http_door
