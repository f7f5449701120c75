#include "tidegate/commit.hpp"

#include <cstdlib>
#include <optional>
#include <string>

#include <libpq-fe.h>

#include "peer/servers/postgres/libpq_handles.hpp"
#include "peer/servers/postgres/libpq_text.hpp"
#include "peer/servers/postgres/server_sql.hpp"

namespace tidegate {
namespace {

using postgres::ResultHandle;
using Outcome = CommitError::Outcome;

// Which LSN covers the commit that has just returned.
enum class Durability {
  flushed,  // the flush LSN
  unknown,  // only the insert LSN, which may have to be flushed first
};

bool failed(const ResultHandle& answer) {
  const auto status = PQresultStatus(answer.get());
  return status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK;
}

std::string sqlstate_of(const ResultHandle& answer) {
  const auto* code = PQresultErrorField(answer.get(), PG_DIAG_SQLSTATE);
  return code == nullptr ? "" : code;
}

std::string text_of_error(pg_conn* connection) {
  return postgres::one_line(PQerrorMessage(connection));
}

// The reason that keeps us from putting a question on this connection.
std::optional<std::string> obstacle(pg_conn* connection) {
  if (connection == nullptr) return "there is no connection";
  if (PQstatus(connection) != CONNECTION_OK) {
    return "the connection is lost (" + text_of_error(connection) + ")";
  }
  if (PQpipelineStatus(connection) != PQ_PIPELINE_OFF) {
    return "the connection is in pipeline mode; leave it with PQexitPipelineMode() first";
  }
  if (PQtransactionStatus(connection) == PQTRANS_ACTIVE) {
    return "a query or COPY is under way on the connection; fetch its results with PQgetResult() "
           "until it returns null first";
  }
  return std::nullopt;
}

std::string cell(const ResultHandle& answer, int column) {
  return PQgetisnull(answer.get(), 0, column) != 0 ? "" : PQgetvalue(answer.get(), 0, column);
}

// Nothing but the position is missing: the change is there.
CommitError no_position(std::string message, std::string sqlstate = "") {
  return {Outcome::committed_position_unknown, std::move(sqlstate), std::move(message)};
}

Result<Position, CommitError> read_position(pg_conn* connection, Durability durability) {
  const ResultHandle answer(PQexec(connection, postgres::stranger_commit_position_sql.c_str()));
  if (failed(answer)) {
    if (sqlstate_of(answer) == "55000") {
      return no_position(
          "this server is a standby, where nothing is committed; connect to the primary", "55000");
    }
    return no_position("the position could not be read (" + text_of_error(connection) + ")",
                       sqlstate_of(answer));
  }
  postgres::SqlRow row;
  for (int column = 0; column < PQnfields(answer.get()); ++column) {
    row.emplace_back(cell(answer, column));
  }
  const auto reading = postgres::read_stranger_commit_position({row});
  if (!reading) return no_position(reading.error().message);
  const Branch branch(ServerKind::postgres, reading->incarnation.cluster, reading->history);
  const bool flushed = durability == Durability::flushed;
  if (flushed ? gate::flush_may_split_record(*reading) : reading->flush < reading->insert) {
    const ResultHandle nudged(PQexec(connection, postgres::nudge_sql.c_str()));
    if (failed(nudged)) {
      return no_position("the WAL could not be flushed (" + text_of_error(connection) + ")",
                         sqlstate_of(nudged));
    }
  }
  return Position{branch, (flushed ? reading->flush : reading->insert).bytes};
}

}  // namespace

Result<Position, CommitError> commit(pg_conn* connection) {
  if (const auto reason = obstacle(connection)) {
    return CommitError{Outcome::not_committed, "", "not committed: " + *reason};
  }
  if (PQtransactionStatus(connection) == PQTRANS_IDLE) {
    return CommitError{
        Outcome::not_committed, "",
        "not committed: no transaction is open on the connection; BEGIN one, or call "
        "position_after_commit() after a statement that commits by itself"};
  }

  // Asked inside the transaction, because it may have been set for this transaction only. An
  // aborted one would refuse to answer, and not go on to COMMIT.
  const bool aborted = PQtransactionStatus(connection) == PQTRANS_INERROR;
  std::string setting;
  ResultHandle answer;
  if (PQsendQuery(connection, aborted ? "COMMIT" : "SHOW synchronous_commit; COMMIT") != 0) {
    while (ResultHandle next{PQgetResult(connection)}) {
      if (PQresultStatus(next.get()) == PGRES_TUPLES_OK) setting = cell(next, 0);
      answer = std::move(next);
    }
  }
  if (PQstatus(connection) != CONNECTION_OK || answer == nullptr) {
    return CommitError{
        Outcome::unknown, sqlstate_of(answer),
        "commit unknown: the connection was lost during COMMIT (" + text_of_error(connection) +
            "); the change may be there or not: look for it on a new connection before "
            "repeating it, and publish nothing until then"};
  }
  if (failed(answer)) {
    return CommitError{Outcome::not_committed, sqlstate_of(answer),
                       "not committed: the server refused and rolled the transaction back (" +
                           postgres::one_line(PQresultErrorMessage(answer.get())) +
                           "); do it again"};
  }
  if (std::string(PQcmdStatus(answer.get())) != "COMMIT") {
    return CommitError{
        Outcome::not_committed, "",
        "not committed: a statement of the transaction had failed, so the server rolled it back; "
        "do it again"};
  }

  auto position =
      read_position(connection, setting == "off" ? Durability::unknown : Durability::flushed);
  if (!position) {
    return no_position(
        "committed, but without a position to publish with: " + position.error().message,
        position.error().sqlstate);
  }
  return position;
}

Result<Position, CommitError> position_after_commit(pg_conn* connection) {
  if (const auto reason = obstacle(connection)) return no_position("no position: " + *reason);
  if (PQtransactionStatus(connection) != PQTRANS_IDLE) {
    return CommitError{
        Outcome::not_committed, "",
        "no position: a transaction is open on the connection, and its changes are not committed; "
        "end it with COMMIT first, or call commit()"};
  }
  auto position = read_position(connection, Durability::unknown);
  if (!position) {
    return no_position("no position: " + position.error().message, position.error().sqlstate);
  }
  return position;
}

}  // namespace tidegate
