#include "support/session.hpp"

#include <stdexcept>

#include <libpq-fe.h>

namespace tidegate::support {

void Session::Close::operator()(pg_conn* connection) const { PQfinish(connection); }

Session::Session(const std::string& connection_string)
    : connection_(PQconnectdb(connection_string.c_str())) {
  if (PQstatus(connection_.get()) != CONNECTION_OK) {
    throw std::runtime_error("can't connect with '" + connection_string +
                             "': " + PQerrorMessage(connection_.get()));
  }
  PQsetNoticeProcessor(
      connection_.get(), [](void*, const char*) {}, nullptr);
}

std::vector<Row> Session::rows(const std::string& sql) {
  const std::unique_ptr<PGresult, decltype(&PQclear)> result(PQexec(connection_.get(), sql.c_str()),
                                                             PQclear);
  const auto status = PQresultStatus(result.get());
  if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK && status != PGRES_EMPTY_QUERY) {
    throw std::runtime_error("'" + sql + "' failed: " + PQerrorMessage(connection_.get()));
  }
  std::vector<Row> rows(static_cast<std::size_t>(PQntuples(result.get())));
  for (int row = 0; row < PQntuples(result.get()); ++row) {
    for (int column = 0; column < PQnfields(result.get()); ++column) {
      rows[static_cast<std::size_t>(row)].emplace_back(PQgetvalue(result.get(), row, column));
    }
  }
  return rows;
}

std::string Session::value(const std::string& sql) {
  const auto result = rows(sql);
  if (result.size() != 1 || result.front().size() != 1) {
    throw std::runtime_error("'" + sql + "' did not return one value");
  }
  return result.front().front();
}

}  // namespace tidegate::support
