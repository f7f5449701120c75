// The cursors of durable subscriptions to an outbox that are kept on this host, and how many rows
// each has still to take.
#pragma once

#include <string>
#include <vector>

#include "peer/servers/postgres/connection.hpp"
#include "peer/servers/postgres/outbox_status.hpp"

namespace tidegate::commands {

// Those of `tidegate sub --durable` in that directory, and those of the door of the peer with that
// state file; either may be empty. In the order of their names. The files are read as they are: a
// subscription that is in use may have gone on meanwhile.
[[nodiscard]] std::vector<postgres::CursorLag> cursor_lags(const std::string& directory,
                                                           const std::string& state_file,
                                                           postgres::Database& database);

}  // namespace tidegate::commands
