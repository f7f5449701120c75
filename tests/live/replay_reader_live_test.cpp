#include <csignal>
#include <string>

#include <doctest/doctest.h>

#include "lib/gate/visibility.hpp"
#include "support/cluster.hpp"
#include "support/eventually.hpp"
#include "support/port.hpp"
#include "tests/lib/samples.hpp"
#include "tests/support/contains.hpp"
#include "tests/support/replay_watcher.hpp"

using namespace tidegate;
using namespace tidegate::gate;
using namespace tidegate::postgres;
using namespace tidegate::support;
using namespace tidegate::testing;
using namespace std::chrono_literals;

namespace {

class Watcher : public ReplayWatcher {
 public:
  using ReplayWatcher::ReplayWatcher;

  // Reads once; nothing when the server's answer allowed no reading.
  std::optional<Tide> try_read() {
    (*this)->read(current_time());
    return next<ReplayPositionRead>().tide;
  }
  // Reads until a reading is as wanted.
  template <typename Predicate>
  bool sees(Predicate&& predicate, Duration bound = 20s) {
    return eventually(bound, [&] {
      const auto tide = try_read();
      return tide && predicate(*tide);
    });
  }
};

Lsn as_lsn(const std::string& text) { return *parse_lsn(text); }

Lsn flush_lsn(Server& server) { return as_lsn(server.value("SELECT pg_current_wal_flush_lsn()")); }

std::string backend_of_watch(Server& server) {
  return server.value("SELECT pid FROM pg_stat_activity WHERE application_name = 'tidegate'");
}

constexpr auto* replay_lsn = "SELECT pg_last_wal_replay_lsn()";
constexpr auto* control_file_timeline = "SELECT timeline_id FROM pg_control_checkpoint()";

}  // namespace

TEST_CASE("a standby introduces itself and is read once, unasked") {
  Cluster cluster;
  auto& replica = cluster.add_replica();
  Watcher watcher(replica.connection_string());
  CHECK_FALSE(watcher->ready());
  const auto up = watcher.next<ServerUp>();
  CHECK(up.in_recovery);
  CHECK(up.degraded.empty());
  CHECK(contains(up.description, "standby " + replica.socket_directory().string() + " port 5432"));
  CHECK(std::to_string(up.incarnation.cluster) ==
        cluster.primary().value("SELECT system_identifier FROM pg_control_system()"));
  CHECK(std::to_string(up.incarnation.started) ==
        replica.value("SELECT (extract(epoch FROM pg_postmaster_start_time()) * 1000000)::bigint"));

  const auto tide = watcher.next_tide();
  CHECK(tide.incarnation == up.incarnation);
  CHECK(tide.history == tidegate::testing::history("1"));
  CHECK(Lsn{tide.replayed} <= as_lsn(replica.value(replay_lsn)));
  CHECK(watcher->ready());
  CHECK_FALSE(watcher->is_primary());
}

TEST_CASE("a standby's reading follows the replay, not the received WAL") {
  Cluster cluster;
  auto& replica = cluster.add_replica();
  Watcher watcher(replica.connection_string());
  watcher.await_tide();
  replica.execute("SELECT pg_wal_replay_pause()");
  REQUIRE(eventually(
      10s, [&] { return replica.value("SELECT pg_get_wal_replay_pause_state()") == "paused"; }));
  const auto before = watcher.read().replayed;
  cluster.primary().execute("CREATE TABLE t (i int)");
  const auto dependency = flush_lsn(cluster.primary());
  REQUIRE(eventually(10s, [&] {
    return as_lsn(replica.value("SELECT pg_last_wal_receive_lsn()")) >= dependency;
  }));
  CHECK(watcher.read().replayed == before);
  CHECK(dependency.bytes > before);
  replica.execute("SELECT pg_wal_replay_resume()");
  CHECK(watcher.sees([&](const Tide& tide) { return tide.replayed >= dependency.bytes; }));
  replica.execute("SELECT * FROM t");
}

TEST_CASE("nothing is sent while nobody reads") {
  Cluster cluster;
  Watcher watcher(cluster.primary().connection_string());
  watcher.await_tide();
  const auto* last_query =
      "SELECT query_start FROM pg_stat_activity WHERE application_name = 'tidegate'";
  const auto before = cluster.primary().value(last_query);
  const auto turns = watcher.turns();
  watcher.pass(500ms);
  CHECK(cluster.primary().value(last_query) == before);
  CHECK(watcher.turns() <= turns + 2);
  watcher.read();
  CHECK(cluster.primary().value(last_query) != before);
}

TEST_CASE("a read while one is under way asks nothing more") {
  Cluster cluster;
  Watcher watcher(cluster.primary().connection_string());
  watcher->read(current_time());  // nor before the server is up
  watcher.await_tide();
  watcher->read(current_time());
  watcher->read(current_time());
  watcher.next_tide();
  watcher.pass(100ms);
  CHECK(watcher.quiet());
}

TEST_CASE("a primary has replayed all that it has written, although its replay LSN is NULL") {
  Cluster cluster;
  auto& primary = cluster.primary();
  Watcher watcher(primary.connection_string());
  CHECK_FALSE(watcher.next<ServerUp>().in_recovery);
  const auto first = watcher.next_tide();
  CHECK(primary.value(replay_lsn).empty());
  primary.execute("CREATE TABLE t (i int)");
  const auto created = flush_lsn(primary);
  const auto tide = watcher.read();
  CHECK(tide.replayed > first.replayed);
  CHECK(Lsn{tide.replayed} >= created);
  CHECK(watcher->is_primary());
}

TEST_CASE("a promotion shows as a new timeline on the same connection, and the LSN goes on") {
  Cluster cluster;
  auto& replica = cluster.add_replica();
  Watcher watcher(replica.connection_string());
  const auto up = watcher.next<ServerUp>();
  watcher.next_tide();
  cluster.primary().execute("CREATE TABLE t (i int)");
  const auto kept = flush_lsn(cluster.primary());
  REQUIRE(watcher.sees([&](const Tide& tide) { return tide.replayed >= kept.bytes; }));
  cluster.primary().crash();
  replica.promote();
  const auto frozen = replica.value(replay_lsn);

  auto tide = watcher.read();
  CHECK(watcher->is_primary());
  CHECK(tide.incarnation == up.incarnation);
  CHECK(tide.timeline() == 2);
  REQUIRE(tide.history.entries().size() == 2);
  const auto end = tide.history.entries()[1].begin;
  CHECK(end >= kept.bytes);
  CHECK(visibility_of(place(1, kept.bytes, up.incarnation.cluster), tide) == Visibility::visible);
  auto lost = place(1, end + 1, up.incarnation.cluster);
  CHECK(visibility_of(lost, tide) == Visibility::in_doubt);
  lost.after = end;
  CHECK(visibility_of(lost, tide) == Visibility::orphaned);

  replica.execute("INSERT INTO t VALUES (1)");
  CHECK(replica.value(replay_lsn) == frozen);
  const auto inserted = flush_lsn(replica);  // before the reading: a checkpoint writes, too
  tide = watcher.read();
  CHECK(Lsn{tide.replayed} >= inserted);
  CHECK(tide.timeline() == 2);
  CHECK(tide.history.entries().size() == 2);
}

TEST_CASE("a standby that follows a new primary changes its timeline on the same connection") {
  Cluster cluster;
  auto& next = cluster.add_replica({.name = "next"});
  auto& follower = cluster.add_replica({.name = "follower"});
  auto& primary = cluster.primary();
  primary.execute(
      "CREATE TABLE t (i int); CREATE ROLE plain LOGIN; CREATE ROLE monitor LOGIN;"
      "GRANT pg_monitor TO monitor");
  const auto kept = flush_lsn(primary);
  const auto arrived = [&](const Tide& tide) { return tide.replayed >= kept.bytes; };
  Watcher full(follower.connection_string());
  Watcher monitor(follower.connection_string("user=monitor"));
  Watcher plain(follower.connection_string("user=plain"));
  for (auto* watcher : {&full, &monitor, &plain}) {
    const auto up = watcher->await<ServerUp>();
    CHECK(up.degraded.empty() == (watcher == &full));
    CHECK(watcher->next_tide().timeline() == 1);
    REQUIRE(watcher->sees(arrived));
  }
  const auto system = full.read().incarnation.cluster;
  REQUIRE(eventually(10s, [&] { return as_lsn(next.value(replay_lsn)) >= kept; }));
  primary.crash();
  next.promote();
  follower.follow(next);
  next.execute("INSERT INTO t VALUES (1)");
  const auto dependency = flush_lsn(next);
  CHECK(full.sees([](const Tide& tide) { return tide.timeline() == 2; }));
  CHECK(full.sees([&](const Tide& tide) { return tide.replayed >= dependency.bytes; }));

  const auto tide = full.read();
  REQUIRE(tide.history.entries().size() == 2);
  CHECK(visibility_of(place(1, kept.bytes, system), tide) == Visibility::visible);
  CHECK(visibility_of(place(1, dependency.bytes, system), tide) == Visibility::in_doubt);
  CHECK(visibility_of(place(2, dependency.bytes, system), tide) == Visibility::visible);

  // Without replication commands. The control file still names the old timeline: a role that sees
  // the WAL receiver makes no reading, another takes the old timeline for the present one.
  CHECK(follower.value(control_file_timeline) == "1");
  CHECK_FALSE(monitor.try_read().has_value());
  CHECK(visibility_of(place(1, dependency.bytes, system), plain.read()) ==
        Visibility::visible);  // the documented gap

  next.execute("CHECKPOINT");
  const auto checkpoint = flush_lsn(next);
  REQUIRE(full.sees([&](const Tide& t) { return t.replayed >= checkpoint.bytes; }));
  follower.execute("CHECKPOINT");
  CHECK(follower.value(control_file_timeline) == "2");
  for (auto* watcher : {&monitor, &plain}) {
    CHECK(watcher->sees(
        [&](const Tide& t) { return t.timeline() == 2 && t.replayed >= checkpoint.bytes; }));
    CHECK(visibility_of(place(2, dependency.bytes, system), watcher->read()) ==
          Visibility::visible);
    CHECK(visibility_of(place(1, dependency.bytes, system), watcher->read()) ==
          Visibility::in_doubt);
    CHECK(visibility_of(place(1, kept.bytes, system), watcher->read()) ==
          Visibility::in_doubt);  // no history
  }
}

TEST_CASE("after a failover a list of hosts leads to another server, whose timeline is read anew") {
  Cluster cluster({.tcp = true});
  auto& old_primary = cluster.primary();
  auto& replica = cluster.add_replica();
  Watcher watcher(
      "host=127.0.0.1,127.0.0.1 user=postgres dbname=postgres "
      "target_session_attrs=primary port=" +
      std::to_string(old_primary.port()) + "," + std::to_string(replica.port()));
  const auto first = watcher.next<ServerUp>();
  CHECK(contains(first.description, "port " + std::to_string(old_primary.port())));
  CHECK(watcher.next_tide().timeline() == 1);
  old_primary.crash();
  watcher.await<ServerDown>();
  replica.promote();
  const auto second = watcher.await<ServerUp>();
  CHECK(second.incarnation.cluster == first.incarnation.cluster);
  CHECK(second.incarnation.started != first.incarnation.started);
  const auto tide = watcher.next_tide();
  CHECK(tide.timeline() == 2);
  CHECK(tide.history.entries().size() == 2);
}

TEST_CASE("a role without REPLICATION is told the cure, and it works") {
  Cluster cluster;
  auto& primary = cluster.primary();
  primary.execute("CREATE ROLE \"My app\" LOGIN");
  Watcher watcher(primary.connection_string("user='My app'"));
  const auto up = watcher.next<ServerUp>();
  CHECK(contains(up.degraded, "to start "));  // "walsender", "WAL sender": by version
  CHECK(contains(up.degraded, "ALTER ROLE \"My app\" REPLICATION"));
  CHECK(watcher.next_tide().timeline() == 1);
  const auto flushed = flush_lsn(primary);
  CHECK(Lsn{watcher.read().replayed} >= flushed);

  primary.execute("ALTER ROLE \"My app\" REPLICATION");
  primary.execute("SELECT pg_terminate_backend(" + backend_of_watch(primary) + ")");
  watcher.next<TideForgotten>();  // no outage, but the session is another one
  CHECK(watcher.next<ServerUp>().degraded.empty());
  CHECK(watcher.next_tide().timeline() == 1);
}

TEST_CASE("a degraded watch of a promoted server knows its timeline") {
  Cluster cluster;
  auto& replica = cluster.add_replica();
  cluster.primary().execute("CREATE ROLE plain LOGIN");
  const auto kept = flush_lsn(cluster.primary());
  Watcher watcher(replica.connection_string("user=postgres"));
  watcher.next<ServerUp>();
  REQUIRE(watcher.sees([&](const Tide& tide) { return tide.replayed >= kept.bytes; }));
  Watcher degraded(replica.connection_string("user=plain"));
  CHECK_FALSE(degraded.next<ServerUp>().degraded.empty());
  CHECK(degraded.next_tide().timeline() == 1);
  replica.promote();
  CHECK(replica.value(control_file_timeline) == "1");
  CHECK(degraded.read().timeline() == 2);
  const auto flushed = flush_lsn(replica);
  CHECK(Lsn{degraded.read().replayed} >= flushed);
}

TEST_CASE("without a free wal sender the watch is degraded and names the setting to raise") {
  Cluster cluster({.config = "max_wal_senders = 1\n"});
  Watcher first(cluster.primary().connection_string());
  CHECK(first.next<ServerUp>().degraded.empty());
  Watcher second(cluster.primary().connection_string());
  CHECK(contains(second.next<ServerUp>().degraded, "raise max_wal_senders"));
  CHECK(second.next_tide().timeline() == 1);
}

TEST_CASE("a server that can't be reached is reported once for each reason") {
  Cluster cluster;
  auto& server = cluster.primary();
  server.stop();
  Watcher watcher(server.connection_string());
  CHECK(contains(watcher.next<ServerDown>().reason, "No such file or directory"));
  watcher.pass(1s);
  CHECK(watcher.quiet());
  CHECK_FALSE(watcher->is_primary());
  server.start();
  watcher.await<ServerUp>();
  server.execute("DROP DATABASE IF EXISTS absent");
  Watcher absent(server.connection_string("dbname=absent"));
  CHECK(contains(absent.next<ServerDown>().reason, "database \"absent\" does not exist"));
  absent.pass(500ms);
  CHECK(absent.quiet());
}

TEST_CASE("a standby that crashed is another instance when it returns") {
  Cluster cluster;
  auto& replica = cluster.add_replica();
  Watcher watcher(replica.connection_string());
  const auto first = watcher.next<ServerUp>();
  watcher.next_tide();
  replica.crash();
  watcher.await<ServerDown>();
  CHECK_FALSE(watcher->ready());
  cluster.primary().execute("CREATE TABLE t (i int)");
  const auto dependency = flush_lsn(cluster.primary());
  replica.start();
  const auto second = watcher.await<ServerUp>();
  CHECK(second.incarnation.cluster == first.incarnation.cluster);
  CHECK(second.incarnation.started != first.incarnation.started);
  CHECK(watcher.next_tide().incarnation == second.incarnation);
  CHECK(watcher.sees([&](const Tide& tide) { return tide.replayed >= dependency.bytes; }));
}

TEST_CASE("a standby whose backend crashed is another instance, though its start time stays") {
  Cluster cluster;
  auto& replica = cluster.add_replica();
  Watcher watcher(replica.connection_string());
  const auto first = watcher.next<ServerUp>();
  watcher.next_tide();
  const auto* start_time = "SELECT pg_postmaster_start_time()";
  const auto started = replica.value(start_time);
  auto other = replica.connect();
  ::kill(std::stoi(other.value("SELECT pg_backend_pid()")), SIGKILL);
  watcher.await<ServerDown>();
  CHECK(watcher.await<ServerUp>().incarnation != first.incarnation);
  watcher.next_tide();
  CHECK(replica.value(start_time) == started);
}

TEST_CASE("WAL that is gone with the begin of the timeline is a warning, and its time unknown") {
  Cluster cluster;
  auto& replica = cluster.add_replica();
  replica.promote();
  replica.execute("ALTER SYSTEM SET wal_keep_size = 0");
  replica.execute("SELECT pg_reload_conf()");
  for (int segment = 0; segment < 3; ++segment) {
    replica.execute("SELECT pg_switch_wal()");
    replica.execute("CHECKPOINT");
  }
  Watcher watcher(replica.connection_string());
  CHECK(contains(watcher.await<Warning>().text, "timeline 2 begins"));
  const auto tide = watcher.next_tide();
  REQUIRE(tide.history.entries().size() == 2);
  CHECK(tide.history.entries()[1].begin > 0);
  CHECK(tide.history.entries()[1].promoted == 0);
}

TEST_CASE("a missing history file is a warning, and changes of older timelines are in doubt") {
  Cluster cluster;
  auto& replica = cluster.add_replica();
  const auto system =
      std::stoull(replica.value("SELECT system_identifier FROM pg_control_system()"));
  const auto kept = as_lsn(replica.value(replay_lsn));
  replica.promote();
  std::filesystem::remove(replica.data_directory() / "pg_wal" / "00000002.history");
  Watcher watcher(replica.connection_string());
  watcher.next<ServerUp>();
  CHECK(contains(watcher.next<Warning>().text, "history of timeline 2 is missing"));
  const auto tide = watcher.next_tide();
  CHECK(tide.timeline() == 2);
  CHECK(visibility_of(place(1, kept.bytes, system), tide) == Visibility::in_doubt);
  replica.execute("CREATE TABLE t (i int)");
  const auto created = flush_lsn(replica);
  CHECK(Lsn{watcher.read().replayed} >= created);
  CHECK(watcher.quiet());  // no second warning
}
