#include <string>

#include <doctest/doctest.h>

#include "lib/gate/visibility.hpp"
#include "peer/servers/postgres/commit_position_reader.hpp"
#include "support/cluster.hpp"
#include "support/eventually.hpp"
#include "tests/support/contains.hpp"
#include "tests/support/page_end.hpp"
#include "tests/support/replay_watcher.hpp"

using namespace tidegate;
using namespace tidegate::gate;
using namespace tidegate::postgres;
using namespace tidegate::support;
using namespace tidegate::testing;
using namespace std::chrono_literals;

namespace {

// The WAL writer flushes what nobody waits for only once in ten seconds.
constexpr auto* lazy_wal_writer = "wal_writer_delay = 10s\nbgwriter_delay = 10s\n";

class Tagger : public Turning<servers::CommitPositionReader, ServerEvent> {
 public:
  explicit Tagger(const std::string& connection_string)
      : Turning(open_commit_position_reader(connection_string)) {}

  CommitPosition ask() {
    (*this)->query(current_time());
    return next<CommitPositionRead>().reading;
  }
  CommitPosition nudge() {
    (*this)->nudge(current_time());
    return next<CommitPositionRead>().reading;
  }
};

class Watcher : public ReplayWatcher {
 public:
  explicit Watcher(const std::string& connection_string) : ReplayWatcher(connection_string) {
    next<ServerUp>();
    next_tide();
  }

  // Whether it replays `lsn` within `bound`.
  bool reaches(Lsn lsn, Duration bound) {
    return eventually(bound, [&] { return read().replayed >= lsn.bytes; });
  }
};

Position place_of(const CommitPosition& reading, Lsn lsn) {
  return {Branch(ServerKind::postgres, reading.incarnation.cluster, reading.history), lsn.bytes};
}

Lsn as_lsn(const std::string& text) { return *parse_lsn(text); }

}  // namespace

TEST_CASE("a role that may only log in reads positions and nudges, even a read-only one") {
  Cluster cluster;
  auto& server = cluster.primary();
  server.execute(
      "CREATE ROLE plain LOGIN; ALTER ROLE plain SET default_transaction_read_only = on");
  Tagger tagger(server.connection_string("user=plain"));
  const auto up = tagger.next<PrimaryUp>();
  CHECK(std::to_string(up.incarnation.cluster) ==
        server.value("SELECT system_identifier FROM pg_control_system()"));
  CHECK(std::to_string(up.incarnation.started) ==
        server.value("SELECT (extract(epoch FROM pg_postmaster_start_time()) * 1000000)::bigint"));
  CHECK(contains(up.description, "primary " + server.socket_directory().string()));

  const auto before = as_lsn(server.value("SELECT pg_current_wal_insert_lsn()"));
  const auto reading = tagger.ask();
  CHECK(reading.incarnation == up.incarnation);
  CHECK(reading.history.timeline() == 1);
  CHECK(reading.insert >= before);
  const auto nudged = tagger.nudge();
  CHECK(nudged.insert > reading.insert);
  CHECK(nudged.flush >= reading.insert);
  CHECK(tagger->ready());
}

TEST_CASE("a server in recovery is no primary until it is promoted") {
  Cluster cluster;
  auto& replica = cluster.add_replica();
  Tagger tagger(replica.connection_string());
  const auto down = tagger.next<PrimaryDown>();
  CHECK(contains(down.reason, "is a standby"));
  CHECK(contains(down.reason, "target_session_attrs=primary"));
  tagger.pass(500ms);
  CHECK(tagger.quiet());  // it was tried again, and said once
  CHECK_FALSE(tagger->ready());
  replica.promote();
  tagger.next<PrimaryUp>();
  CHECK(tagger.ask().history.timeline() == 2);
}

TEST_CASE("positions of a promoted server have its whole history, and keep no wal sender busy") {
  Cluster cluster;
  auto& replica = cluster.add_replica();
  replica.promote();
  Tagger tagger(replica.connection_string());
  const auto up = tagger.next<PrimaryUp>();
  CHECK(up.degraded.empty());
  CHECK(up.history.timeline() == 2);
  CHECK(up.history.complete());
  CHECK(tagger.ask().history == up.history);
  CHECK(eventually(5s, [&] {
    return replica.value(
               "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'walsender'") == "0";
  }));
}

TEST_CASE("without REPLICATION positions name a timeline by number, and the cure is told") {
  Cluster cluster;
  cluster.primary().execute("CREATE ROLE plain LOGIN");
  auto& replica = cluster.add_replica();
  replica.promote();
  Tagger tagger(replica.connection_string("user=plain"));
  const auto up = tagger.next<PrimaryUp>();
  CHECK(contains(up.degraded, "ALTER ROLE plain REPLICATION"));
  CHECK_FALSE(up.history.complete());
  CHECK(tagger.ask().history == up.history);
  CHECK(up.history.timeline() == 2);
}

TEST_CASE("a list of hosts follows the primary through a failover") {
  Cluster cluster({.tcp = true});
  auto& old_primary = cluster.primary();
  auto& replica = cluster.add_replica();
  Tagger tagger(
      "host=127.0.0.1,127.0.0.1 user=postgres dbname=postgres "
      "target_session_attrs=primary port=" +
      std::to_string(old_primary.port()) + "," + std::to_string(replica.port()));
  const auto first = tagger.next<PrimaryUp>();
  const auto dependency = tagger.ask();
  tagger->query(current_time());
  old_primary.crash();
  tagger.await<PrimaryDown>();
  replica.promote();
  tagger.await<PrimaryUp>();
  const auto later = tagger.ask();
  CHECK(later.history.timeline() == 2);
  CHECK(later.incarnation.cluster == dependency.incarnation.cluster);
  CHECK(later.incarnation.started != first.incarnation.started);
}

TEST_CASE("a crash of the primary takes the question under way with it") {
  Cluster cluster;
  Tagger tagger(cluster.primary().connection_string());
  tagger.next<PrimaryUp>();
  cluster.primary().crash();
  tagger->query(current_time());
  tagger.next<PrimaryDown>();
  CHECK_FALSE(tagger->ready());
}

TEST_CASE("at a page's end the position is the one that a caught-up replica reports, not past it") {
  Cluster cluster;
  auto& replica = cluster.add_replica();
  Tagger tagger(cluster.primary().connection_string());
  tagger.next<PrimaryUp>();
  Watcher watcher(replica.connection_string());
  auto session = cluster.primary().connect();
  const WalLayout layout{.block_size = 8192, .segment_size = 1U << 20U};
  for (const bool at_segment_end : {false, true}) {
    CAPTURE(at_segment_end);
    // Somebody else (a checkpoint, a snapshot of running transactions) may write behind it.
    bool seen = false;
    for (int attempt = 0; attempt < 5 && !seen; ++attempt) {
      const auto raw = end_at_page_end(session, layout, at_segment_end);
      const Lsn end{raw.bytes - (at_segment_end ? 40 : 24)};
      const auto dependency = tagger.ask();
      if (dependency.insert > raw) continue;
      CHECK(dependency.insert == end);
      REQUIRE(watcher.reaches(dependency.insert, 10s));
      const auto tide = watcher.read();
      if (insert_lsn(session) != raw) continue;
      CHECK(tide.replayed == end.bytes);
      CHECK(as_lsn(replica.value("SELECT pg_last_wal_replay_lsn()")) < raw);
      CHECK(as_lsn(session.value("SELECT pg_current_wal_flush_lsn()")) < raw);
      CHECK(visibility_of(place_of(dependency, dependency.insert), tide) == Visibility::visible);
      CHECK(visibility_of(place_of(dependency, raw), tide) == Visibility::pending);  // the trap
      CHECK(tagger.ask().flush == end);
      seen = true;
    }
    CHECK(seen);
  }
}

TEST_CASE("an asynchronous commit is covered by the insert LSN only, until a nudge") {
  Cluster cluster({.config = lazy_wal_writer});
  auto& server = cluster.primary();
  server.execute("CREATE TABLE t (i int)");
  Tagger tagger(server.connection_string());
  tagger.next<PrimaryUp>();
  auto session = server.connect();
  session.execute("SET synchronous_commit = off");
  bool seen = false;
  for (int attempt = 0; attempt < 5 && !seen; ++attempt) {
    tagger.nudge();
    const auto before = insert_lsn(session);
    session.execute("INSERT INTO t VALUES (1)");
    const auto reading = tagger.ask();
    CHECK(reading.insert > before);
    if (reading.flush > before) continue;  // somebody has flushed in between
    CHECK(reading.flush < reading.insert);
    CHECK(tagger.nudge().flush >= reading.insert);
    seen = true;
  }
  CHECK(seen);
}

TEST_CASE("another session's open transaction leaves a tail that replicas get by a nudge") {
  Cluster cluster({.config = lazy_wal_writer});
  auto& server = cluster.primary();
  auto& replica = cluster.add_replica();
  server.execute("CREATE TABLE t (i int)");
  Tagger tagger(server.connection_string());
  tagger.next<PrimaryUp>();
  Watcher watcher(replica.connection_string());
  bool seen = false;
  for (int attempt = 0; attempt < 5 && !seen; ++attempt) {
    auto open = server.connect();
    open.execute("BEGIN; INSERT INTO t VALUES (1)");
    const auto reading = tagger.ask();
    if (reading.flush >= reading.insert || watcher.reaches(reading.insert, 300ms)) continue;
    CHECK(tagger.nudge().flush >= reading.insert);
    CHECK(watcher.reaches(reading.insert, 5s));
    seen = true;
  }
  CHECK(seen);
}

TEST_CASE("a nudge does not wait for a synchronous standby that is missing") {
  Cluster cluster({.config = "synchronous_standby_names = 'nobody'\nsynchronous_commit = "
                             "remote_apply\n"});
  Tagger tagger(cluster.primary().connection_string());
  tagger.next<PrimaryUp>();
  CHECK(tagger.nudge().history.timeline() == 1);
}

TEST_CASE("a primary that is away is reported once and found again when it returns") {
  Cluster cluster;
  Tagger tagger(cluster.primary().connection_string());
  const auto first = tagger.next<PrimaryUp>();
  cluster.primary().stop();
  tagger.next<PrimaryDown>();
  tagger.pass(1s);
  tagger.forget();  // the words change: shut down, then no socket
  tagger.pass(1s);
  CHECK(tagger.quiet());
  cluster.primary().start();
  const auto second = tagger.next<PrimaryUp>();
  CHECK(second.incarnation.cluster == first.incarnation.cluster);
  CHECK(second.incarnation.started != first.incarnation.started);
}
