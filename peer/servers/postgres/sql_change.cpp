#include "peer/servers/postgres/sql_change.hpp"

#include <array>
#include <memory>
#include <optional>

#include <libpq-fe.h>

#include "peer/servers/postgres/libpq_text.hpp"
#include "tidegate/commit.hpp"

namespace tidegate::postgres {
namespace {

struct Free {
  void operator()(PGconn* connection) const { PQfinish(connection); }
  void operator()(PGresult* result) const { PQclear(result); }
  void operator()(PQconninfoOption* options) const { PQconninfoFree(options); }
};

// An unreadable string is refused before libpq can quote a password from it.
std::optional<Error> check_connection_string(const std::string& text) {
  char* words = nullptr;
  const std::unique_ptr<PQconninfoOption, Free> parsed(PQconninfoParse(text.c_str(), &words));
  if (parsed) return std::nullopt;
  auto error = unreadable_connection_string(text, words == nullptr ? "" : words);
  PQfreemem(words);
  return error;
}

// The string comes last and so wins over the defaults before it.
std::unique_ptr<PGconn, Free> connect(const std::string& connection_string) {
  const std::array<const char*, 4> keywords = {"fallback_application_name", "connect_timeout",
                                               "dbname", nullptr};
  const std::array<const char*, 4> values = {"tidegate pub", "10", connection_string.c_str(),
                                             nullptr};
  return std::unique_ptr<PGconn, Free>(PQconnectdbParams(keywords.data(), values.data(), 1));
}

// Runs the text; why that failed.
std::optional<std::string> run(PGconn* connection, const std::string& sql) {
  const std::unique_ptr<PGresult, Free> result(PQexec(connection, sql.c_str()));
  switch (PQresultStatus(result.get())) {
    case PGRES_COMMAND_OK:
    case PGRES_TUPLES_OK:
    case PGRES_EMPTY_QUERY:
      return std::nullopt;
    case PGRES_COPY_IN:
    case PGRES_COPY_OUT:
    case PGRES_COPY_BOTH:
      return "COPY from or to the client is not possible here; use INSERT";
    default:
      return one_line(PQerrorMessage(connection));
  }
}

}  // namespace

Result<Position> commit_change(const std::string& connection_string, const std::string& sql) {
  if (auto error = check_connection_string(connection_string)) return *error;
  const auto connection = connect(connection_string);
  if (PQstatus(connection.get()) != CONNECTION_OK) {
    return Error{"not committed: no connection to the primary: " +
                 one_line(PQerrorMessage(connection.get()))};
  }
  if (const auto why = run(connection.get(), "BEGIN")) return Error{"not committed: " + *why};
  if (const auto why = run(connection.get(), sql)) {
    return Error{"not committed, rolled back: " + *why};  // by closing the connection
  }
  if (PQtransactionStatus(connection.get()) == PQTRANS_IDLE) {
    return Error{
        "commit unknown: the statements have ended the transaction themselves; leave out BEGIN, "
        "COMMIT and ROLLBACK, and look which of the changes are there"};
  }
  return commit(connection.get());
}

}  // namespace tidegate::postgres
