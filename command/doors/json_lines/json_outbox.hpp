// The answers of `tidegate outbox --json`. json.hpp has what else there is.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "command/doors/json_lines/json.hpp"
#include "peer/servers/postgres/outbox_status.hpp"

namespace tidegate::json_lines {

// `server` is the one that was asked: "db1 port 5432".
[[nodiscard]] Json outbox_check_document(std::string_view server,
                                         const std::vector<std::string>& problems,
                                         const std::vector<std::string>& advice);
[[nodiscard]] Json outbox_status_document(std::string_view server,
                                          const postgres::OutboxStatus& status);

}  // namespace tidegate::json_lines
