#include <string>

#include <doctest/doctest.h>
#include <libpq-fe.h>

#include "lib/gate/visibility.hpp"
#include "support/cluster.hpp"
#include "support/eventually.hpp"
#include "tests/support/contains.hpp"
#include "tests/support/page_end.hpp"
#include "tests/support/replay_watcher.hpp"
#include "tidegate/commit.hpp"

using namespace tidegate;
using namespace tidegate::gate;
using namespace tidegate::postgres;
using namespace tidegate::support;
using namespace tidegate::testing;
using namespace std::chrono_literals;

using Outcome = CommitError::Outcome;

namespace {

Lsn flush_lsn(Server& server) {
  return *parse_lsn(server.value("SELECT pg_current_wal_flush_lsn()"));
}

// For the tests that change nothing but the rows of one table.
Server& shared_server() {
  static Cluster cluster({.config = "wal_writer_delay = 10s\nbgwriter_delay = 10s\n"});
  static const bool made = [] {
    cluster.primary().execute(
        "CREATE TABLE t (i int UNIQUE DEFERRABLE INITIALLY DEFERRED);"
        "CREATE FUNCTION rows_of_t() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM t'");
    return true;
  }();
  static_cast<void>(made);
  return cluster.primary();
}

class Watcher : public ReplayWatcher {
 public:
  explicit Watcher(const std::string& connection_string) : ReplayWatcher(connection_string) {
    await_tide();
  }
};

}  // namespace

TEST_CASE("when a replica covers the position of a commit, its row is visible there") {
  Cluster cluster;
  auto& replica = cluster.add_replica();
  auto writer = cluster.primary().connect();
  auto reader = replica.connect();
  auto visible = [&](int i) {
    return reader.value("SELECT count(*) FROM t WHERE i = " + std::to_string(i)) == "1";
  };
  writer.execute("CREATE TABLE t (i int, filler text)");
  Watcher watcher(replica.connection_string());
  for (int i = 0; i < 200; ++i) {
    const auto row = "INSERT INTO t VALUES (" + std::to_string(i) + ", repeat('x', " +
                     std::to_string(i * 37 % 3000) + "))";
    std::optional<Result<Position, CommitError>> position;
    switch (i % 4) {
      case 0:
        writer.execute("BEGIN; " + row);
        position = commit(writer.connection());
        break;
      case 1:
        writer.execute("BEGIN; SET LOCAL synchronous_commit = off; " + row);
        position = commit(writer.connection());
        break;
      case 2:
        writer.execute(row);
        position = position_after_commit(writer.connection());
        break;
      default:
        writer.execute("BEGIN; " + row + "; PREPARE TRANSACTION 'two'");
        writer.execute("COMMIT PREPARED 'two'");
        position = position_after_commit(writer.connection());
        break;
    }
    REQUIRE(position->ok());
    CHECK(*parse_lsn(writer.value("SELECT pg_current_wal_flush_lsn()")) >=
          Lsn{(*position)->offset});
    REQUIRE(eventually(5s, [&] {
      return gate::visibility_of(**position, watcher.read()) == Visibility::visible;
    }));
    CAPTURE(i);
    CHECK(visible(i));
  }
}

TEST_CASE("a transaction that committed asynchronously has a position that is flushed") {
  auto& server = shared_server();
  auto session = server.connect();
  session.execute("DELETE FROM t");
  const auto local = [&] {
    session.execute("BEGIN; SET LOCAL synchronous_commit = off; INSERT INTO t VALUES (1)");
    return commit(session.connection());
  };
  const auto whole_session = [&] {
    session.execute("SET synchronous_commit = off; BEGIN; INSERT INTO t VALUES (2)");
    return commit(session.connection());
  };
  const auto afterwards = [&] {
    session.execute("INSERT INTO t VALUES (3)");
    return position_after_commit(session.connection());
  };
  const auto check = [&](auto&& way) {
    const auto before = insert_lsn(session);
    const auto position = way();
    REQUIRE(position.ok());
    CHECK(Lsn{position->offset} > before);
    CHECK(position->timeline() == 1);
    CHECK(flush_lsn(server) >= Lsn{position->offset});
  };
  check(local);
  check(whole_session);
  check(afterwards);
  CHECK(session.value("SHOW synchronous_commit") == "off");  // left alone
}

TEST_CASE("at a page's end the position is without the header that only the writer sees") {
  auto& server = shared_server();
  auto session = server.connect();
  const WalLayout layout{.block_size = 8192, .segment_size = 1U << 20U};
  for (const bool at_segment_end : {false, true}) {
    const auto raw = end_at_page_end(session, layout, at_segment_end);
    session.execute("SELECT 1");
    const auto position = position_after_commit(session.connection());
    REQUIRE(position.ok());
    CHECK(Lsn{position->offset} == Lsn{raw.bytes - (at_segment_end ? 40 : 24)});
    CHECK(flush_lsn(server) >= Lsn{position->offset});
  }
}

TEST_CASE("a position inside a transaction is refused, and commit outside of one") {
  auto session = shared_server().connect();
  const auto idle = commit(session.connection());
  REQUIRE_FALSE(idle.ok());
  CHECK(idle.error().outcome == Outcome::not_committed);
  CHECK(contains(idle.error().message, "not committed: no transaction is open"));
  session.execute("BEGIN");
  const auto inside = position_after_commit(session.connection());
  REQUIRE_FALSE(inside.ok());
  CHECK(inside.error().outcome == Outcome::not_committed);
  CHECK(contains(inside.error().message, "a transaction is open"));
  CHECK(commit(session.connection()).ok());
}

TEST_CASE("a connection in a pipeline, in COPY, with a query under way, or none, is refused") {
  auto session = shared_server().connect();
  auto* connection = session.connection();
  const auto refused = [](pg_conn* c, const std::string& part) {
    for (const auto& result : {commit(c), position_after_commit(c)}) {
      REQUIRE_FALSE(result.ok());
      CHECK(contains(result.error().message, part));
    }
  };
  refused(nullptr, "no connection");
  REQUIRE(PQenterPipelineMode(connection) == 1);
  refused(connection, "pipeline mode");
  REQUIRE(PQexitPipelineMode(connection) == 1);

  session.execute("BEGIN");
  PQclear(PQexec(connection, "COPY t FROM STDIN"));
  refused(connection, "query or COPY is under way");
  REQUIRE(PQputCopyEnd(connection, nullptr) == 1);
  while (auto* result = PQgetResult(connection)) PQclear(result);
  REQUIRE(PQsendQuery(connection, "SELECT 1") == 1);
  refused(connection, "query or COPY is under way");
  while (auto* result = PQgetResult(connection)) PQclear(result);
  CHECK(commit(connection).ok());
}

TEST_CASE("a transaction that can't commit is an error, and ends") {
  auto session = shared_server().connect();
  session.execute("DELETE FROM t");
  session.execute("BEGIN; INSERT INTO t VALUES (1)");
  CHECK_THROWS(session.execute("SELECT 1/0"));
  const auto aborted = commit(session.connection());
  REQUIRE_FALSE(aborted.ok());
  CHECK(aborted.error().outcome == Outcome::not_committed);
  CHECK(aborted.error().sqlstate == "");
  CHECK(contains(aborted.error().message, "not committed: a statement of the transaction"));
  CHECK(PQtransactionStatus(session.connection()) == PQTRANS_IDLE);

  session.execute("BEGIN; INSERT INTO t VALUES (1); INSERT INTO t VALUES (1)");
  const auto deferred = commit(session.connection());
  REQUIRE_FALSE(deferred.ok());
  CHECK(deferred.error().outcome == Outcome::not_committed);
  CHECK(deferred.error().sqlstate == "23505");  // unique_violation
  CHECK(contains(deferred.error().message, "not committed: the server refused"));
  CHECK(contains(deferred.error().message, "duplicate key"));
  CHECK(PQtransactionStatus(session.connection()) == PQTRANS_IDLE);
  CHECK(session.value("SELECT rows_of_t()") == "0");
}

TEST_CASE("a connection lost during COMMIT leaves the outcome unknown, and the error says so") {
  Cluster cluster;
  auto& server = cluster.primary();
  server.execute("CREATE TABLE t (i int)");
  server.append_config("synchronous_standby_names = 'nobody'\n");  // COMMIT waits for it
  auto session = server.connect();
  auto killer = server.connect();
  session.execute("BEGIN; INSERT INTO t VALUES (1)");
  const auto kill = "SELECT pg_sleep(0.3), pg_terminate_backend(" +
                    session.value("SELECT pg_backend_pid()") + ")";
  REQUIRE(PQsendQuery(killer.connection(), kill.c_str()) == 1);
  const auto unknown = commit(session.connection());
  REQUIRE_FALSE(unknown.ok());
  CHECK(unknown.error().outcome == Outcome::unknown);
  CHECK(contains(unknown.error().message, "commit unknown: the connection was lost"));
  CHECK(server.value("SELECT count(*) FROM t") == "1");  // this time it is there

  for (const auto& later :
       {commit(session.connection()), position_after_commit(session.connection())}) {
    REQUIRE_FALSE(later.ok());
    CHECK(contains(later.error().message, "the connection is lost"));
  }
}

TEST_CASE("a standby has no position of its own") {
  Cluster cluster;
  auto session = cluster.add_replica().connect();
  const auto position = position_after_commit(session.connection());
  REQUIRE_FALSE(position.ok());
  CHECK(position.error().outcome == Outcome::committed_position_unknown);
  CHECK(position.error().sqlstate == "55000");
  CHECK(contains(position.error().message, "this server is a standby"));
  session.execute("BEGIN");
  const auto committed = commit(session.connection());
  REQUIRE_FALSE(committed.ok());
  CHECK(committed.error().outcome == Outcome::committed_position_unknown);
  CHECK(contains(committed.error().message, "committed, but without a position"));
}

TEST_CASE("a promoted server's positions are of its new timeline, and need no right") {
  Cluster cluster;
  auto& replica = cluster.add_replica();
  cluster.primary().execute("CREATE ROLE plain LOGIN");
  const auto created = flush_lsn(cluster.primary());
  REQUIRE(eventually(10s, [&] {
    return *parse_lsn(replica.value("SELECT pg_last_wal_replay_lsn()")) >= created;
  }));
  replica.promote();
  auto session = replica.connect("user=plain");
  session.execute("SET synchronous_commit = off");
  const auto position = position_after_commit(session.connection());
  REQUIRE(position.ok());
  CHECK(position->timeline() == 2);
  CHECK(std::to_string(position->cluster()) ==
        replica.value("SELECT system_identifier FROM pg_control_system()"));
}
