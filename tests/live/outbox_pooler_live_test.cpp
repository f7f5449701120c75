// Announcing through a pooler (pgbouncer) in transaction mode, where each transaction of a client
// may run in another session of the server. The subscription reads the server itself.
#include <memory>
#include <string>

#include <doctest/doctest.h>
#include <libpq-fe.h>

#include "tests/live/outbox_site.hpp"
#include "tests/support/pooler.hpp"

using namespace tidegate;
using namespace tidegate::support;
using namespace tidegate::testing;

namespace {

using Answer = std::unique_ptr<PGresult, decltype(&PQclear)>;

void check(const Answer& answer, pg_conn* connection) {
  const auto status = PQresultStatus(answer.get());
  CHECK_MESSAGE((status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK),
                PQerrorMessage(connection));
}

constexpr const char* announce = "SELECT tidegate.announce('t', $1::text)";

void by_text(Session& session, const std::string& name) {
  session.execute("SELECT tidegate.announce('t', '" + name + "')");
}

// As drivers do by default: the extended protocol, whose statement has no name.
void by_parameters(Session& session, const std::string& name) {
  const char* value = name.c_str();
  auto* connection = session.connection();
  check(
      Answer(PQexecParams(connection, announce, 1, nullptr, &value, nullptr, nullptr, 0), PQclear),
      connection);
}

// A statement with a name belongs to the session of the server, so it may not outlive the
// transaction.
void by_prepared(Session& session, const std::string& name) {
  const char* value = name.c_str();
  auto* connection = session.connection();
  check(Answer(PQprepare(connection, "announce", announce, 1, nullptr), PQclear), connection);
  for (int i = 0; i < 2; ++i) {
    check(Answer(PQexecPrepared(connection, "announce", 1, &value, nullptr, nullptr, 0), PQclear),
          connection);
  }
  session.execute("DEALLOCATE announce");
}

}  // namespace

TEST_CASE(
    "announcements through a pooler in transaction mode come once, however they are written") {
  OutboxSite site;
  Pooler pooler(site.primary);
  Session one(pooler.connection_string());
  Session other(pooler.connection_string());
  auto outbox = OutboxSite::open(site.options(site.primary));
  Names sessions;
  // The transactions of the two overlap, so that they run in two sessions of the server.
  const auto announce_by = [&](auto&& way, const std::string& name) {
    one.execute("BEGIN");
    other.execute("BEGIN");
    sessions.push_back(one.value("SELECT pg_backend_pid()"));
    sessions.push_back(other.value("SELECT pg_backend_pid()"));
    CHECK(sessions.end()[-1] != sessions.end()[-2]);
    way(other, name + " in vain");
    way(one, name);
    other.execute("ROLLBACK");
    one.execute("COMMIT");
  };
  announce_by(by_text, "text");
  CHECK(take(*outbox, 1) == Names{"text"});
  announce_by(by_parameters, "parameters");
  CHECK(take(*outbox, 1) == Names{"parameters"});
  announce_by(by_prepared, "prepared");
  CHECK(take(*outbox, 2) == Names{"prepared", "prepared"});
  // A statement that is its own transaction.
  by_parameters(other, "alone");
  CHECK(take(*outbox, 1) == Names{"alone"});
  check_quiet(*outbox);
}
