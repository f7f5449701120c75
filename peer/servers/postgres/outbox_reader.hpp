// Reads an outbox (outbox_query.hpp) together with the tide that covers the reading.
//
// The rows come first and the tide behind them, both from one life of the server: what the rows'
// snapshot showed lies before the tide. A primary also shows what a crash would still undo, so
// there the WAL is flushed before a reading counts.
//
// Rights: those of a replay reader, USAGE of the schema and SELECT of its tables.
#pragma once

#include <memory>
#include <string>

#include "peer/servers/postgres/connection.hpp"
#include "peer/servers/server.hpp"
#include "tidegate/result.hpp"

namespace tidegate::postgres {

// Refuses a connection string that libpq can't read.
[[nodiscard]] Result<std::unique_ptr<servers::OutboxReader>> open_outbox_reader(
    const std::string& connection_string, Database::Timeouts timeouts = {},
    base::Random random = base::Random(1));

}  // namespace tidegate::postgres
