// Which kind of server a text names: a URL by its scheme, anything else is a connection string of
// PostgreSQL's libpq. A new kind is a folder beside this file and a line in servers.cpp.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "peer/servers/server.hpp"
#include "tidegate/result.hpp"

namespace tidegate::servers {

// Each refuses what names no server; the error shows no password. Nothing is connected to yet. Each
// peer needs a seed of its own, so that all don't come back to a lost server at the same moment.
[[nodiscard]] Result<std::unique_ptr<ReplayReader>> open_replay_reader(const std::string& server,
                                                                       std::uint64_t seed);
[[nodiscard]] Result<std::unique_ptr<CommitPositionReader>> open_commit_position_reader(
    const std::string& server, std::uint64_t seed);
[[nodiscard]] Result<std::unique_ptr<OutboxReader>> open_outbox_reader(const std::string& server,
                                                                       std::uint64_t seed);

}  // namespace tidegate::servers
