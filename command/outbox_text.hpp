// The outbox of a database, as an operator reads it.
#pragma once

#include <string>
#include <string_view>

#include "peer/servers/postgres/outbox_status.hpp"

namespace tidegate::command {

// Several lines, each with its line break. `server` is the one that was asked: "db1 port 5432".
[[nodiscard]] std::string outbox_text(std::string_view server,
                                      const postgres::OutboxStatus& status);

// How to mend an outbox that the check finds wrong. `reader` is the role that has to read it.
[[nodiscard]] std::string outbox_cure(std::string_view reader);

}  // namespace tidegate::command
