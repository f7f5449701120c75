// Settings of a role or a database, and names in its schemas, that could stop our sessions or make
// them read something else.
#include <algorithm>
#include <string>

#include <doctest/doctest.h>

#include "peer/servers/postgres/sql_change.hpp"
#include "support/cluster.hpp"
#include "support/eventually.hpp"
#include "tests/support/position_asker.hpp"
#include "tests/support/replay_watcher.hpp"

using namespace tidegate;
using namespace tidegate::gate;
using namespace tidegate::support;
using namespace tidegate::testing;
using namespace std::chrono_literals;

namespace {

// A primary and a standby, and two roles that may log in: one with REPLICATION, one without. The
// settings are statements for each of them, with {} for its name.
struct Roles {
  Cluster cluster;
  Server& primary = cluster.primary();
  Server& standby = cluster.add_replica();

  explicit Roles(const std::string& settings) {
    std::string sql = "CREATE ROLE full_role LOGIN REPLICATION; CREATE ROLE plain_role LOGIN;";
    for (const std::string role : {"full_role", "plain_role"}) {
      auto text = settings;
      for (auto at = text.find("{}"); at != std::string::npos; at = text.find("{}", at)) {
        text.replace(at, 2, role);
      }
      sql += text;
    }
    primary.execute(sql);
    const auto written = parse_lsn(primary.value("SELECT pg_current_wal_flush_lsn()")).value();
    REQUIRE(eventually(20s, [&] {
      return parse_lsn(standby.value("SELECT pg_last_wal_replay_lsn()")).value() >= written;
    }));
  }
};

std::string set_for_role(const std::string& setting) {
  return "ALTER ROLE {} SET " + setting + ";";
}

// Both kinds of readers work as those of a superuser without settings do, and nothing else happens.
void check_sessions(Roles& roles, const std::string& role) {
  CAPTURE(role);
  for (auto* server : {&roles.primary, &roles.standby}) {
    CAPTURE(server->name());
    ReplayWatcher usual(server->connection_string());
    const auto up = usual.await<ServerUp>();
    const auto tide = usual.next_tide();
    ReplayWatcher watcher(server->connection_string("user=" + role));
    const auto its_up = watcher.next<ServerUp>();
    CHECK(its_up.incarnation == up.incarnation);
    CHECK(its_up.in_recovery == up.in_recovery);
    CHECK(its_up.degraded.empty() == (role == "full_role"));
    const auto its_tide = watcher.next_tide();
    CHECK(its_tide.timeline() == tide.timeline());
    CHECK((its_tide.history == tide.history || role == "plain_role"));
    CHECK(its_tide.replayed >= tide.replayed);
    for (int i = 0; i < 20; ++i) CHECK(watcher.read().replayed >= tide.replayed);
    watcher.pass(300ms);
    CHECK(watcher.quiet());
  }
  PositionAsker asker(roles.primary.connection_string("user=" + role));
  asker.next<PrimaryUp>();
  for (int i = 0; i < 20; ++i) {
    const auto insert = asker.ask().insert;
    CHECK(asker.nudge().flush >= insert);
  }
  asker.pass(300ms);
  CHECK(asker.quiet());
}

void check_sessions(Roles& roles) {
  check_sessions(roles, "full_role");
  check_sessions(roles, "plain_role");
}

}  // namespace

// Seen: "cannot use serializable mode in a hot standby", and never up.
TEST_CASE("a role with default_transaction_isolation = serializable is served on a standby") {
  Roles roles(set_for_role("default_transaction_isolation = serializable") +
              set_for_role("default_transaction_deferrable = on") +
              set_for_role("default_transaction_read_only = on"));
  check_sessions(roles);
}

TEST_CASE("a role with a statement_timeout of a millisecond loses no session") {
  Roles roles(set_for_role("statement_timeout = 1") + set_for_role("lock_timeout = 1"));
  check_sessions(roles);
}

// Seen: the server went down every 200 ms.
TEST_CASE("a role with an idle_session_timeout keeps its idle sessions") {
  Roles roles(set_for_role("idle_session_timeout = 200") +
              set_for_role("idle_in_transaction_session_timeout = 200"));
  for (const std::string role : {"full_role", "plain_role"}) {
    ReplayWatcher watcher(roles.standby.connection_string("user=" + role));
    PositionAsker asker(roles.primary.connection_string("user=" + role));
    watcher.next<ServerUp>();
    watcher.next_tide();
    asker.next<PrimaryUp>();
    for (int i = 0; i < 4; ++i) {
      watcher.pass(400ms);
      asker.pass(0ms);
      CHECK(watcher.quiet());
      CHECK(asker.quiet());
    }
    watcher.read();
    asker.ask();
  }
}

TEST_CASE("settings of how values are written change no reading") {
  Roles roles(set_for_role("bytea_output = 'escape'") + set_for_role("datestyle = 'German, DMY'") +
              set_for_role("intervalstyle = 'iso_8601'") +
              set_for_role("timezone = 'Asia/Kathmandu'") +
              set_for_role("extra_float_digits = -15") + set_for_role("row_security = off") +
              set_for_role("client_encoding = 'LATIN1'") +
              set_for_role("standard_conforming_strings = off") +
              set_for_role("escape_string_warning = on") + set_for_role("xmloption = document") +
              set_for_role("synchronous_commit = off") + set_for_role("jit_above_cost = 0") +
              set_for_role("default_tablespace = 'nowhere'") + set_for_role("log_duration = on") +
              set_for_role("log_statement = 'all'") + set_for_role("log_min_messages = debug1") +
              set_for_role("enable_seqscan = off") + set_for_role("max_parallel_workers = 0"));
  roles.standby.promote();  // so that a history is read
  check_sessions(roles);
}

// Seen: a standby that called itself a primary, and so on: each unqualified name was another's.
TEST_CASE("functions and operators of the same names in front of pg_catalog deceive nobody") {
  Roles roles("");
  std::string sql = "CREATE SCHEMA evil; GRANT USAGE ON SCHEMA evil TO PUBLIC;";
  const auto function = [&](const std::string& head, const std::string& type,
                            const std::string& value) {
    sql += "CREATE FUNCTION evil." + head + " RETURNS " + type + " LANGUAGE sql AS $$SELECT " +
           value + "$$;";
  };
  for (const auto* name :
       {"pg_last_wal_replay_lsn", "pg_current_wal_insert_lsn", "pg_current_wal_flush_lsn"}) {
    function(std::string(name) + "()", "pg_lsn", "'F/1'::pg_lsn");
  }
  function("pg_is_in_recovery()", "bool", "NOT pg_catalog.pg_is_in_recovery()");
  function("pg_walfile_name(pg_lsn)", "text", "'0000000F0000000000000000'");
  function("current_setting(text)", "text", "'7'");
  function("pg_size_bytes(text)", "bigint", "7::bigint");
  function("pg_postmaster_start_time()", "timestamptz", "'epoch'::timestamptz");
  function("pg_backend_pid()", "int", "7");
  function("set_config(text, text, bool)", "text", "'7'");
  function("quote_ident(text)", "text", "'7'");
  function("split_part(text, text, int)", "text", "'7'");
  function("date_trunc(text, timestamptz)", "timestamptz", "'epoch'::timestamptz");
  function("host(inet)", "text", "'7'");
  function("inet_server_addr()", "inet", "'7.7.7.7'::inet");
  function("pg_logical_emit_message(bool, text, text)", "pg_lsn", "'F/1'::pg_lsn");
  function("pg_control_system(OUT system_identifier bigint)", "bigint", "7::bigint");
  for (const auto* view : {"pg_settings", "pg_stat_wal_receiver"}) {
    sql += std::string("CREATE VIEW evil.") + view + " AS SELECT 'jit' AS name, 7 AS received_tli;";
  }
  function("wrong(text, text)", "bool", "false");
  function("wrong(int, int)", "bool", "false");
  function("wrong(numeric, int)", "numeric", "7::numeric");
  sql +=
      "CREATE OPERATOR evil.= (LEFTARG = text, RIGHTARG = text, FUNCTION = evil.wrong);"
      "CREATE OPERATOR evil.= (LEFTARG = int, RIGHTARG = int, FUNCTION = evil.wrong);"
      "CREATE OPERATOR evil.* (LEFTARG = numeric, RIGHTARG = int, FUNCTION = evil.wrong);"
      "CREATE DOMAIN evil.int8 AS text;"
      "ALTER DATABASE postgres SET search_path = evil, pg_catalog;";
  roles.primary.execute(sql);
  REQUIRE(eventually(20s, [&] {
    return roles.standby.connect().value("SHOW search_path") == "evil, pg_catalog";
  }));
  check_sessions(roles);
}

TEST_CASE("a role that may not set anything is served all the same") {
  Roles roles(set_for_role("default_transaction_isolation = serializable") +
              set_for_role("statement_timeout = 1000"));
  roles.primary.execute(
      "REVOKE EXECUTE ON FUNCTION pg_catalog.set_config(text, text, bool) FROM PUBLIC;"
      "REVOKE ALL ON pg_catalog.pg_settings FROM PUBLIC");
  REQUIRE(eventually(20s, [&] {
    return roles.standby.value(
               "SELECT has_function_privilege('plain_role',"
               " 'pg_catalog.set_config(text, text, bool)', 'EXECUTE')") == "f";
  }));
  ReplayWatcher watcher(roles.standby.connection_string("user=full_role"));
  watcher.next<ServerUp>();
  watcher.next_tide();
  for (int i = 0; i < 20; ++i) watcher.read();
  CHECK(watcher.quiet());
}

TEST_CASE("a percent-encoded @ in user and password of a URI is understood everywhere") {
  Cluster cluster({.tcp = true});
  auto& server = cluster.primary();
  server.execute(
      "CREATE ROLE \"user@host\" LOGIN REPLICATION PASSWORD 'p@ss'; CREATE TABLE t (i int);"
      "GRANT INSERT ON t TO PUBLIC");
  server.execute("CREATE DATABASE \"d@b\"");
  const auto rules = server.data_directory() / "pg_hba.conf";
  run({.arguments = {"sed", "-i", "1i host all user@host 127.0.0.1/32 scram-sha-256", rules}}, 5s);
  server.append_config("\n");
  const auto address = "127.0.0.1:" + std::to_string(server.port());
  const auto uri = "postgresql://user%40host:p%40ss@" + address + "/postgres";
  ReplayWatcher watcher(uri);
  CHECK(watcher.next<ServerUp>().degraded.empty());
  watcher.next_tide();
  PositionAsker asker(uri);
  asker.next<PrimaryUp>();
  CHECK(postgres::commit_change(uri, "INSERT INTO t VALUES (1)").ok());
  ReplayWatcher other("postgresql://user%40host:p%40ss@" + address + "/d%40b");
  other.next<ServerUp>();
  const auto refused = postgres::commit_change(
      "postgresql://user%40host:p@ss@" + address + "/postgres", "INSERT INTO t VALUES (1)");
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().message.find("an @ too many") != std::string::npos);
}
