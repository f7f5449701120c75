// Sessions of readers through a pooler (pgbouncer), in both of its modes.
#include <string>

#include <doctest/doctest.h>

#include "support/cluster.hpp"
#include "support/eventually.hpp"
#include "tests/support/contains.hpp"
#include "tests/support/pooler.hpp"
#include "tests/support/position_asker.hpp"
#include "tests/support/replay_watcher.hpp"

using namespace tidegate;
using namespace tidegate::gate;
using namespace tidegate::support;
using namespace tidegate::testing;
using namespace std::chrono_literals;

TEST_CASE("through a pooler a reader is degraded, and no setting of the role stops it") {
  for (const std::string mode : {"transaction", "session"}) {
    CAPTURE(mode);
    Cluster cluster;
    auto& primary = cluster.primary();
    auto& standby = cluster.add_replica();
    primary.execute(
        "CREATE ROLE app LOGIN; GRANT pg_read_all_settings TO app;"
        "ALTER ROLE app SET default_transaction_isolation = serializable;"
        "ALTER ROLE app SET statement_timeout = 20; CREATE SCHEMA evil; GRANT USAGE ON SCHEMA evil"
        " TO PUBLIC; CREATE FUNCTION evil.pg_is_in_recovery() RETURNS bool LANGUAGE sql AS"
        " $$SELECT false$$; ALTER ROLE app SET search_path = evil, pg_catalog");
    const auto written = parse_lsn(primary.value("SELECT pg_current_wal_flush_lsn()")).value();
    REQUIRE(eventually(20s, [&] {
      return parse_lsn(standby.value("SELECT pg_last_wal_replay_lsn()")).value() >= written;
    }));
    const auto config = "pool_mode = " + mode + "\n";
    Pooler before_standby(standby, config, "app");
    Pooler before_primary(primary, config, "app");
    ReplayWatcher watcher(before_standby.connection_string(), {.full_session = 300ms});
    const auto up = watcher.next<ServerUp>();
    CHECK(up.in_recovery);
    CHECK(contains(up.degraded, "unsupported startup parameter: replication"));
    CHECK(contains(up.degraded, "connect to the server itself, without a pooler"));
    watcher.next_tide();
    for (int i = 0; i < 100; ++i) {  // and the full session is tried in vain meanwhile
      watcher.pass(10ms);
      watcher.read();
    }
    CHECK(watcher.quiet());
    PositionAsker asker(before_primary.connection_string());
    asker.next<PrimaryUp>();
    for (int i = 0; i < 20; ++i) {
      const auto insert = asker.ask().insert;
      CHECK(asker.nudge().flush >= insert);
    }
    // The sessions of others behind the pooler have the settings of their role.
    for (auto* pooler : {&before_standby, &before_primary}) {
      Session other(pooler->connection_string());
      CHECK(other.value("SHOW statement_timeout") == "20ms");
      CHECK(other.value("SHOW default_transaction_isolation") == "serializable");
    }
  }
}

TEST_CASE("idle sessions that a pooler cuts are renewed without a word") {
  Cluster cluster;
  Pooler pooler(cluster.primary(), "pool_mode = transaction\nclient_idle_timeout = 1\n");
  ReplayWatcher watcher(pooler.connection_string());
  PositionAsker asker(pooler.connection_string());
  watcher.next<ServerUp>();
  watcher.next_tide();
  asker.next<PrimaryUp>();
  int renewed = 0;
  for (int i = 0; i < 50; ++i) {
    watcher.pass(100ms);
    asker.pass(0ms);
    while (!watcher.quiet()) {
      watcher.next<TideForgotten>();
      watcher.next_tide();
      ++renewed;
    }
  }
  CHECK(renewed > 0);
  CHECK(asker.quiet());
  asker.ask();
}
