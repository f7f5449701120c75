// `tidegate measure` on real servers.
#include <chrono>

#include <doctest/doctest.h>

#include "support/cluster.hpp"
#include "tests/live/command_mesh.hpp"

using namespace tidegate;
using namespace tidegate::support;
using namespace tidegate::testing;
using namespace std::chrono_literals;

TEST_CASE("measure tells how many commits a replica shows too late, and leaves nothing there") {
  Cluster cluster;
  auto& replica = cluster.add_replica();
  auto& primary = cluster.primary();
  replica.append_config("recovery_min_apply_delay = 200");
  const CommandMesh mesh;
  const auto before = primary.value("SELECT count(*) FROM pg_class");
  const auto ran =
      mesh.run({"measure", "--primary", primary.connection_string(), "--database",
                replica.connection_string(), "--count", "20", "--rate", "100", "--json"});
  CHECK(ran.status == 0);
  const auto survey = json::parse(ran.output);
  CHECK(survey["commits"] == 20);
  CHECK(survey["early"] == 1000);
  CHECK(survey["p50_ms"] >= 100);
  CHECK(survey["p50_ms"] < 1000);
  CHECK(primary.value("SELECT count(*) FROM pg_class") == before);
}

TEST_CASE("measure refuses servers between which there is nothing to measure") {
  Cluster cluster;
  Cluster other({.own_identity = true});
  auto& replica = cluster.add_replica();
  const CommandMesh mesh;
  const auto errors = [&](const Server& primary, const Server& database) {
    const auto ran = mesh.run({"measure", "--primary", primary.connection_string(), "--database",
                               database.connection_string()});
    CHECK(ran.status == 1);
    return ran.errors;
  };
  CHECK(contains(errors(replica, replica), "--primary names a standby"));
  CHECK(contains(errors(cluster.primary(), cluster.primary()), "--database names no replica"));
  CHECK(contains(errors(other.primary(), replica), "of different clusters"));
  CHECK(mesh.run({"measure"}).status == 2);
  CHECK(contains(mesh.run({"measure", "--count", "0", "--rate", "x"}).errors, "--rate"));
}
