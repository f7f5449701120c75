// Which kind of server a text names: a URL by its scheme, anything else is a connection string of
// PostgreSQL's libpq. A new kind is a folder beside this file and a line in servers.cpp.
#pragma once

#include <memory>
#include <string>

#include "peer/servers/server.hpp"
#include "tidegate/result.hpp"

namespace tidegate::servers {

// Each refuses what names no server; the error shows no password. Nothing is connected to yet.
[[nodiscard]] Result<std::unique_ptr<ReplayReader>> open_replay_reader(const std::string& server);
[[nodiscard]] Result<std::unique_ptr<CommitPositionReader>> open_commit_position_reader(
    const std::string& server);

}  // namespace tidegate::servers
