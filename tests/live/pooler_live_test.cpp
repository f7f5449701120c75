// A server that changes behind a connection, or begins another life there: nothing that one has
// said is taken for the word of another.
#include <csignal>
#include <string>

#include <doctest/doctest.h>

#include "peer/servers/postgres/commit_position_reader.hpp"
#include "support/cluster.hpp"
#include "support/eventually.hpp"
#include "tests/live/command_mesh.hpp"
#include "tests/support/contains.hpp"
#include "tests/support/pooler.hpp"
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

class Tagger : public Turning<servers::CommitPositionReader, ServerEvent> {
 public:
  explicit Tagger(const std::string& connection_string)
      : Turning(open_commit_position_reader(connection_string)) {}
};

// Two standbys of a dead primary that were promoted apart, to the same timeline number.
struct Twins {
  Cluster cluster;
  Server& one = cluster.add_replica({.name = "one"});
  Server& other = cluster.add_replica({.name = "other"});

  Twins() {
    cluster.primary().execute("CREATE TABLE t (i int)");
    for (auto* server : {&one, &other}) {
      REQUIRE(eventually(10s, [&] { return server->value("SELECT to_regclass('t')") == "t"; }));
    }
    cluster.primary().crash();
    one.promote();
    other.promote();
  }
};

// An old primary that does not know that its replica was promoted; nothing of it gets there any
// more. Both have the table.
struct Switchover {
  Cluster cluster;
  Server& old = cluster.primary();
  Server& heir = cluster.add_replica();

  Switchover() {
    old.execute("CREATE TABLE t (i int)");
    REQUIRE(eventually(10s, [&] { return heir.value("SELECT to_regclass('t')") == "t"; }));
    heir.append_config("primary_conninfo = ''\n");
    heir.promote();
  }
};

bool has_row(Server& server) { return server.value("SELECT count(*) FROM t") == "1"; }

// The server ends all its sessions, and recovers.
void crash_a_backend(Server& server) {
  auto victim = server.connect();
  ::kill(std::stoi(victim.value("SELECT pg_backend_pid()")), SIGKILL);
  const auto ended = [&] {
    try {
      victim.execute("SELECT 1");
      return false;
    } catch (const std::runtime_error&) {
      return true;
    }
  };
  REQUIRE(eventually(20s, ended));
  const auto recovered = [&] {
    try {
      server.execute("SELECT 1");
      return true;
    } catch (const std::runtime_error&) {
      return false;
    }
  };
  REQUIRE(eventually(20s, recovered));
}

}  // namespace

TEST_CASE("a pooler that leads to another server does not get between a commit and its position") {
  Switchover servers;
  auto& [cluster, old, heir] = servers;
  Pooler pooler(old);
  Session session(pooler.connection_string());
  session.execute("BEGIN; INSERT INTO t VALUES (1)");
  const auto before = parse_lsn(old.value("SELECT pg_current_wal_insert_lsn()")).value();
  pooler.lead_to(heir);
  const auto position = commit(session.connection());
  REQUIRE(position.ok());
  CHECK(position->timeline() == 1);
  CHECK(Lsn{position->offset} > before);
  CHECK(has_row(old));
  CHECK_FALSE(has_row(heir));
}

TEST_CASE("an asynchronous commit that a pooler keeps from being flushed gets no position") {
  Switchover servers;
  auto& [cluster, old, heir] = servers;
  Pooler pooler(old);
  Session session(pooler.connection_string());
  session.execute("BEGIN; SET LOCAL synchronous_commit = off; INSERT INTO t VALUES (1)");
  pooler.lead_to(heir);
  const auto position = commit(session.connection());
  REQUIRE_FALSE(position.ok());
  CHECK(position.error().outcome == Outcome::committed_position_unknown);
  CHECK(contains(position.error().message, "the server behind the connection has changed"));
  CHECK(has_row(old));
  CHECK_FALSE(has_row(heir));
  // From then on all is one server's again.
  session.execute("BEGIN; INSERT INTO t VALUES (1)");
  CHECK(commit(session.connection()).value().timeline() == 2);
}

TEST_CASE(
    "pub --after through a pooler that switches servers between commit and flush does not announce "
    "what the flush of the other server says") {
  Switchover servers;
  Pooler pooler(servers.old);
  const CommandMesh mesh;
  CommandPair pair(mesh);
  const std::string insert = "INSERT INTO t VALUES (1)";
  const auto pub = [&](const std::string& payload, const std::string& sql, const Arguments& more) {
    Arguments arguments = {"pub",     "jobs", payload, "--primary", pooler.connection_string(),
                           "--after", sql};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return mesh.start(arguments);
  };
  Arguments way;
  SUBCASE("through a running peer") {}
  SUBCASE("as a peer of its own") { way = {"--join"}; }

  // The pooler leaves an open transaction where it is. So one that waits for a lock of ours while
  // the pooler is led away commits on the old server, and the next statement goes to the other.
  // Behind the pooler the lock would keep nobody out: its session may be given to pub.
  auto lock = servers.old.connect();
  lock.execute("SELECT pg_advisory_lock(1)");
  auto waiting =
      pub("kept back",
          "SET LOCAL synchronous_commit = off; SELECT pg_advisory_xact_lock(1); " + insert, way);
  REQUIRE(eventually(command_bound, [&] {
    return lock.value("SELECT count(*) FROM pg_locks WHERE NOT granted") == "1";
  }));
  pooler.lead_to(servers.heir);
  lock.execute("SELECT pg_advisory_unlock(1)");
  const auto ran = CommandMesh::finish(std::move(waiting));
  CHECK(ran.status == 1);
  CHECK(ran.output == "");
  CHECK(contains(ran.errors, "committed, but without a position to publish with"));
  CHECK(contains(ran.errors, "the server behind the connection has changed"));
  CHECK(contains(ran.errors, "nothing was announced"));
  CHECK(has_row(servers.old));
  CHECK_FALSE(has_row(servers.heir));

  // From then on all is one server's again, and its change is the first that anybody hears of.
  CHECK(CommandMesh::finish(pub("announced", insert, way)).status == 0);
  for (auto* peer : {&pair.a, &pair.b}) {
    const auto delivery = wait_for(*peer, "delivery");
    CHECK(delivery["payload"] == "announced");
    CHECK(delivery["position"]["history"].back()["timeline"] == 2);
  }
}

TEST_CASE("a commit knows behind which place its change lies") {
  Cluster cluster;
  auto session = cluster.primary().connect();
  session.execute("CREATE TABLE t (i int)");
  for (const auto* setting : {"on", "off"}) {
    session.execute(std::string("SET synchronous_commit = ") + setting);
    session.execute("BEGIN; INSERT INTO t VALUES (1)");
    const auto before = parse_lsn(session.value("SELECT pg_current_wal_insert_lsn()")).value();
    const auto position = commit(session.connection()).value();
    CHECK(position.after + 40 >= before.bytes);  // without a page header
    CHECK(position.after < position.offset);
  }
  session.execute("BEGIN");
  CHECK(commit(session.connection()).ok());  // has written nothing
  CHECK(position_after_commit(session.connection()).value().after == 0);
}

TEST_CASE(
    "a pooler that leads to another server makes the primary go down, and come up as another") {
  Twins twins;
  Pooler pooler(twins.one);
  Tagger tagger(pooler.connection_string());
  const auto first = tagger.await<PrimaryUp>();
  tagger->query(current_time());
  CHECK(tagger.next<CommitPositionRead>().reading.incarnation == first.incarnation);
  pooler.lead_to(twins.other);
  SUBCASE("a position") { tagger->query(current_time()); }
  SUBCASE("a nudge") { tagger->nudge(current_time()); }
  const auto down = tagger.next<PrimaryDown>();
  CHECK(contains(down.reason, "instead of " + first.description + " a server that was started "));
  CHECK(contains(down.reason, "without a pooler"));
  const auto second = tagger.next<PrimaryUp>();
  CHECK(second.incarnation != first.incarnation);
  tagger->query(current_time());
  CHECK(tagger.next<CommitPositionRead>().reading.incarnation == second.incarnation);
}

TEST_CASE(
    "a pooler that leads to another server gives no reading of that under the first one's name") {
  Twins twins;
  Pooler pooler(twins.one);
  ReplayWatcher watcher(pooler.connection_string());
  const auto first = watcher.await<ServerUp>();
  CHECK(watcher.next_tide().incarnation == first.incarnation);
  CHECK(watcher.read().incarnation == first.incarnation);
  pooler.lead_to(twins.other);
  watcher->read(current_time());
  CHECK(contains(watcher.next<ServerDown>().reason, "instead of " + first.description));
  const auto second = watcher.next<ServerUp>();
  CHECK(second.incarnation != first.incarnation);
  CHECK(watcher.next_tide().incarnation == second.incarnation);
}

TEST_CASE(
    "a backend that crashes behind a pooler ends the primary's life, though nothing is lost") {
  Cluster cluster;
  Pooler pooler(cluster.primary());
  Tagger tagger(pooler.connection_string());
  const auto first = tagger.await<PrimaryUp>();
  crash_a_backend(cluster.primary());
  tagger->query(current_time());
  CHECK(contains(tagger.next<PrimaryDown>().reason, "recovered from a crash"));
  const auto second = tagger.next<PrimaryUp>();
  CHECK(second.incarnation.started == first.incarnation.started);
  CHECK(second.incarnation != first.incarnation);
}

TEST_CASE("statistics that an operator resets end no life, and no commit comes back") {
  Cluster cluster;
  auto& primary = cluster.primary();
  Tagger tagger(primary.connection_string());
  const auto first = tagger.next<PrimaryUp>();
  for (const auto* kind : {"bgwriter", "wal", "archiver"}) {
    CAPTURE(kind);
    primary.execute(std::string("SELECT pg_stat_reset_shared('") + kind + "')");
    primary.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE application_name = 'tidegate'");
    tagger->query(current_time());  // on the next session
    CHECK(tagger.next<CommitPositionRead>().reading.incarnation == first.incarnation);
  }
  // While the connection lives, too.
  primary.execute("SELECT pg_stat_reset_shared('wal')");
  tagger->query(current_time());
  CHECK(tagger.next<CommitPositionRead>().reading.incarnation == first.incarnation);
}
