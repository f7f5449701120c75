#include "peer/servers/postgres/sql_change.hpp"

#include <array>
#include <optional>

#include <libpq-fe.h>

#include "peer/servers/postgres/connection.hpp"
#include "peer/servers/postgres/libpq_handles.hpp"
#include "peer/servers/postgres/libpq_text.hpp"

namespace tidegate::postgres {
namespace {

using Outcome = CommitError::Outcome;

// The string comes last and so wins over the defaults before it.
ConnectionHandle connect(const std::string& connection_string) {
  const std::array<const char*, 4> keywords = {"fallback_application_name", "connect_timeout",
                                               "dbname", nullptr};
  const std::array<const char*, 4> values = {"tidegate pub", "10", connection_string.c_str(),
                                             nullptr};
  return ConnectionHandle(PQconnectdbParams(keywords.data(), values.data(), 1));
}

// Runs the text; why that failed, with `prefix` in front: nothing is committed then.
std::optional<CommitError> run(PGconn* connection, const std::string& sql,
                               const std::string& prefix) {
  const ResultHandle result(PQexec(connection, sql.c_str()));
  switch (PQresultStatus(result.get())) {
    case PGRES_COMMAND_OK:
    case PGRES_TUPLES_OK:
    case PGRES_EMPTY_QUERY:
      return std::nullopt;
    case PGRES_COPY_IN:
    case PGRES_COPY_OUT:
    case PGRES_COPY_BOTH:
      return CommitError{Outcome::not_committed, "",
                         prefix + "COPY from or to the client is not possible here; use INSERT"};
    default: {
      const auto* sqlstate = PQresultErrorField(result.get(), PG_DIAG_SQLSTATE);
      return CommitError{Outcome::not_committed, sqlstate == nullptr ? "" : sqlstate,
                         prefix + one_line(PQerrorMessage(connection))};
    }
  }
}

}  // namespace

Result<Position, CommitError> commit_change(const std::string& connection_string,
                                            const std::string& sql) {
  if (const auto error = check_connection_string(connection_string)) {
    return CommitError{Outcome::not_committed, "", error->message};
  }
  const auto connection = connect(connection_string);
  if (PQstatus(connection.get()) != CONNECTION_OK) {
    return CommitError{Outcome::not_committed, "",
                       "not committed: no connection to the primary: " +
                           one_line(PQerrorMessage(connection.get()))};
  }
  if (auto error = run(connection.get(), "BEGIN", "not committed: ")) return *std::move(error);
  // Rolled back by closing the connection.
  if (auto error = run(connection.get(), sql, "not committed, rolled back: ")) {
    return *std::move(error);
  }
  if (PQtransactionStatus(connection.get()) == PQTRANS_IDLE) {
    return CommitError{
        Outcome::unknown, "",
        "commit unknown: the statements have ended the transaction themselves; leave out BEGIN, "
        "COMMIT and ROLLBACK, and look which of the changes are there"};
  }
  return commit(connection.get());
}

}  // namespace tidegate::postgres
