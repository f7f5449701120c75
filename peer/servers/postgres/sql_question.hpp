// Questions to a server by a program that has nothing else to do until the answer is there, as the
// subcommands that look at a database. They go the way of a peer's own (connection.hpp), and so
// have its bounds: a server that is silent ends the wait, and no password is in an error.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "peer/servers/postgres/connection.hpp"
#include "peer/servers/postgres/sql_row.hpp"
#include "tidegate/result.hpp"

namespace tidegate::postgres {

// Why a server gave no answer. The SQLSTATE decides what to advise.
struct ServerTrouble {
  enum class When : std::uint8_t { reading_string, connecting, asking };
  When when = When::connecting;
  std::string sqlstate;  // empty when the server did not say one
  std::string words;     // one line, without a password
};

// "no connection to the server: connection refused", as the end of a sentence for people.
[[nodiscard]] std::string to_words(const ServerTrouble& trouble);

// A connection that has not been made yet.
[[nodiscard]] Result<Database, ServerTrouble> prepare_connection(
    const std::string& connection_string, Database::Timeouts timeouts);

// Makes it, within Timeouts::connect for each address. Only when it is not connected.
[[nodiscard]] std::optional<ServerTrouble> connect(Database& database);

// The rows of the last of the statements, within Timeouts::answer. Only when connected.
[[nodiscard]] Result<std::vector<SqlRow>, ServerTrouble> ask(Database& database,
                                                             const std::string& sql);

}  // namespace tidegate::postgres
