// The database of a standby: a copy of a running server's, made by pg_basebackup, or where the
// server's programs lack it (npm's packages of PostgreSQL have no client programs) by the backup
// functions of the server itself. Either way without settings: it has `standby.signal`, and the
// caller writes where it receives from.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "support/server.hpp"

namespace tidegate::support {

// `data` must not exist. `slot`: made on the followed server, unless "", so that it keeps the WAL
// from the copy on. Without one the copy has to start before that WAL is removed.
void copy_database(const Server& followed, const std::filesystem::path& data,
                   const std::string& slot);

// Runs a program of PostgreSQL, or on its files, as the user that owns them.
void run_as_server(std::vector<std::string> arguments);

}  // namespace tidegate::support
