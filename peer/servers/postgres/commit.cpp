#include "tidegate/commit.hpp"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <libpq-fe.h>

#include "lib/gate/commit_position.hpp"
#include "peer/servers/postgres/identity.hpp"
#include "peer/servers/postgres/libpq_handles.hpp"
#include "peer/servers/postgres/libpq_text.hpp"
#include "peer/servers/postgres/server_sql.hpp"

namespace tidegate {
namespace {

using postgres::Identity;
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

std::vector<postgres::SqlRow> rows_of(const ResultHandle& answer) {
  std::vector<postgres::SqlRow> rows(PQntuples(answer.get()) > 0 ? 1 : 0);
  for (int column = 0; !rows.empty() && column < PQnfields(answer.get()); ++column) {
    auto& cell = rows[0].emplace_back();
    if (PQgetisnull(answer.get(), 0, column) == 0) cell = PQgetvalue(answer.get(), 0, column);
  }
  return rows;
}

// Nothing but the position is missing: the change is there.
CommitError no_position(std::string message, std::string sqlstate = "") {
  return {Outcome::committed_position_unknown, std::move(sqlstate), std::move(message)};
}

CommitError another_server() {
  return no_position(
      "the server behind the connection has changed since: a pooler, a balancer or a virtual "
      "address leads to another one, or it has restarted; look whether the change is there before "
      "publishing it");
}

// --- before COMMIT ------------------------------------------------------------------------------

// Asked inside the transaction: there no pooler changes the server, the setting may be of this
// transaction only, and the commit record will lie behind the insert LSN. The names are qualified,
// and a standby gives no LSN, because an error here would undo the transaction.
const std::string before_commit_sql =
    "SELECT pg_catalog.current_setting('synchronous_commit'),"
    " CASE WHEN NOT pg_catalog.pg_is_in_recovery()"
    " THEN pg_catalog.pg_current_wal_insert_lsn() END" +
    postgres::identity_columns;

struct BeforeCommit {
  Durability durability = Durability::unknown;
  Lsn insert;  // none: not known
  std::optional<Identity> identity;
};

BeforeCommit read_before_commit(const ResultHandle& answer) {
  auto rows = rows_of(answer);
  const auto identity = postgres::take_identity(rows);
  if (!identity || rows[0].size() != 2) return {};
  const auto insert = parse_lsn(rows[0][1].value_or(""));
  return {rows[0][0] == "off" ? Durability::unknown : Durability::flushed, insert ? *insert : Lsn{},
          *identity};
}

// --- after it -----------------------------------------------------------------------------------

// Makes durable what the reading's insert LSN covers.
std::optional<CommitError> flush(pg_conn* connection, const Identity& identity) {
  const ResultHandle answer(PQexec(connection, postgres::nudge_sql.c_str()));
  if (failed(answer)) {
    return no_position("the WAL could not be flushed (" + text_of_error(connection) + ")",
                       sqlstate_of(answer));
  }
  auto rows = rows_of(answer);
  const auto flushed_by = postgres::take_identity(rows);
  if (!flushed_by || !same_life(*flushed_by, identity)) return another_server();
  return std::nullopt;
}

// From the answer to stranger_commit_position_sql; null: there is none.
Result<Position, CommitError> read_position(pg_conn* connection, const ResultHandle& answer,
                                            const BeforeCommit& before) {
  if (sqlstate_of(answer) == "55000") {
    return no_position(
        "this server is a standby, where nothing is committed; connect to the primary", "55000");
  }
  if (answer == nullptr || failed(answer)) {
    return no_position("the position could not be read (" + text_of_error(connection) + ")",
                       sqlstate_of(answer));
  }
  const auto stranger = postgres::read_stranger_commit_position(rows_of(answer));
  if (!stranger) return no_position(stranger.error().message);
  if (before.identity && !same_life(stranger->identity, *before.identity)) return another_server();

  const auto& reading = stranger->reading;
  const bool flushed = before.durability == Durability::flushed;
  if (flushed ? gate::flush_may_split_record(reading) : reading.flush < reading.insert) {
    if (auto error = flush(connection, stranger->identity)) return *std::move(error);
  }
  Position position{Branch(ServerKind::postgres, reading.incarnation.cluster, reading.history,
                           stranger->identity.started),
                    (flushed ? reading.flush : reading.insert).bytes};
  // A transaction that wrote nothing has no commit record either.
  const auto after = without_page_header(before.insert, stranger->layout).bytes;
  if (after < position.offset) position.after = after;
  return position;
}

// --- the one question ---------------------------------------------------------------------------

// The answers to all that commit() asks, in one message, so that no pooler gets between them.
// Nothing of a transaction is left when a statement behind its COMMIT runs, so that reads an LSN
// behind the commit record, and its failure takes nothing back.
struct Answers {
  BeforeCommit before;
  ResultHandle commit;  // null: not reached, or lost
  ResultHandle after;
  ResultHandle refusal;  // of a statement before COMMIT, or of COMMIT
};

Answers ask_for_commit(pg_conn* connection) {
  Answers answers;
  // An aborted transaction would refuse to answer, and not go on to COMMIT.
  const bool aborted = PQtransactionStatus(connection) == PQTRANS_INERROR;
  const auto sql = aborted
                       ? "COMMIT"
                       : before_commit_sql + "; COMMIT; " + postgres::stranger_commit_position_sql;
  if (PQsendQuery(connection, sql.c_str()) == 0) return answers;
  while (ResultHandle next{PQgetResult(connection)}) {
    if (answers.commit != nullptr) {
      answers.after = std::move(next);
    } else if (PQresultStatus(next.get()) == PGRES_TUPLES_OK) {
      answers.before = read_before_commit(next);
    } else if (failed(next)) {
      answers.refusal = std::move(next);
    } else {
      answers.commit = std::move(next);
    }
  }
  return answers;
}

// Nothing if COMMIT has succeeded; else the outcome of the transaction.
std::optional<CommitError> why_not_committed(pg_conn* connection, const Answers& answers) {
  if (answers.commit == nullptr && PQstatus(connection) != CONNECTION_OK) {
    return CommitError{
        Outcome::unknown, sqlstate_of(answers.refusal),
        "commit unknown: the connection was lost during COMMIT (" + text_of_error(connection) +
            "); the change may be there or not: look for it on a new connection before "
            "repeating it, and publish nothing until then"};
  }
  if (answers.commit == nullptr) {
    // The question before COMMIT has failed: COMMIT was not reached.
    if (PQtransactionStatus(connection) == PQTRANS_INERROR) {
      const ResultHandle rolled_back(PQexec(connection, "ROLLBACK"));
    }
    return CommitError{Outcome::not_committed, sqlstate_of(answers.refusal),
                       "not committed: the server refused and rolled the transaction back (" +
                           postgres::one_line(PQresultErrorMessage(answers.refusal.get())) +
                           "); do it again"};
  }
  if (std::string(PQcmdStatus(answers.commit.get())) != "COMMIT") {
    return CommitError{
        Outcome::not_committed, "",
        "not committed: a statement of the transaction had failed, so the server rolled it back; "
        "do it again"};
  }
  return std::nullopt;
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

  const auto answers = ask_for_commit(connection);
  if (auto error = why_not_committed(connection, answers)) return *std::move(error);
  using Committed = Result<Position, CommitError>;
  auto position = answers.before.identity
                      ? read_position(connection, answers.after, answers.before)
                      : Committed(no_position("the server did not tell who it is; is it "
                                              "PostgreSQL 14 or newer?"));
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
  const ResultHandle answer(PQexec(connection, postgres::stranger_commit_position_sql.c_str()));
  auto position = read_position(connection, answer, {});
  if (!position) {
    return no_position("no position: " + position.error().message, position.error().sqlstate);
  }
  return position;
}

}  // namespace tidegate
