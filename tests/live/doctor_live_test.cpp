// `tidegate doctor` against this host and against servers in every condition.
#include <string>

#include <doctest/doctest.h>

#include "support/cluster.hpp"
#include "tests/live/command_mesh.hpp"

using namespace std::chrono_literals;
using namespace tidegate::support;
using namespace tidegate::testing;

namespace {

// The findings of the doctor about one thing that are not ok, and its exit status.
struct Diagnosis {
  int status = 0;
  json findings;

  [[nodiscard]] std::string about(const std::string& thing, const std::string& verdict) const {
    std::string text;
    for (const auto& finding : findings) {
      if (finding["about"] == thing && finding["verdict"] == verdict) {
        text += finding["what"].get<std::string>() + " -> " + finding["cure"].get<std::string>();
      }
    }
    return text;
  }
};

Diagnosis diagnose(const CommandMesh& mesh, const Arguments& more) {
  Arguments arguments = {"doctor", "--json"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  const auto ran = mesh.run(arguments);
  CAPTURE(ran.errors);
  REQUIRE_FALSE(ran.output.empty());
  return {ran.status, json::parse(ran.output)["findings"]};
}

}  // namespace

TEST_CASE("the doctor looks at this host") {
  const CommandMesh mesh;
  const auto found = diagnose(mesh, {});
  CHECK(found.status == 0);
  CHECK(contains(found.about("interface lo", "ok"), "own multicast and own broadcast are heard"));
  CHECK(contains(found.about("ports", "ok"), "are free"));
  CHECK(contains(found.about("database", "warning"), "delivered at once"));
  const auto wrong = diagnose(mesh, {"--interfaces", "nosuch0", "--insecure"});
  CHECK(wrong.status == 1);
  CHECK(contains(wrong.about("interface nosuch0", "problem"), "nosuch0"));
  CHECK(contains(mesh.run({"doctor"}).output, "0 problems"));
}

TEST_CASE("the doctor tells of servers that don't answer, and keeps passwords to itself") {
  const CommandMesh mesh;
  const auto found = diagnose(mesh, {"--database", "host=127.0.0.1 port=1 password=hidden",
                                     "--primary", "host=127.0.0.1 port=1 password=hidden"});
  CHECK(found.status == 1);
  CHECK(contains(found.about("database", "problem"), "refused"));
  CHECK(contains(found.about("primary", "problem"), "refused"));
  CHECK(lacks(found.findings.dump(), "hidden"));
}

TEST_CASE("the doctor examines a replica and its primary") {
  Cluster cluster;
  auto& primary = cluster.primary();
  auto& replica = cluster.add_replica();
  const CommandMesh mesh;
  const Arguments both = {"--database", replica.connection_string(), "--primary",
                          primary.connection_string()};
  auto found = diagnose(mesh, both);
  CHECK(found.status == 0);
  CHECK(contains(found.about("database", "ok"), "standby"));
  CHECK(contains(found.about("database", "ok"), "replication commands work, on timeline 1"));
  CHECK(contains(found.about("database", "ok"), "behind the primary"));
  CHECK(contains(found.about("primary", "ok"), "synchronous_commit is on"));
  CHECK(found.about("database", "warning") == "");

  replica.execute("SELECT pg_wal_replay_pause()");
  found = diagnose(mesh, both);
  CHECK(found.status == 1);
  CHECK(contains(found.about("database", "problem"), "replay is paused"));
  replica.execute("SELECT pg_wal_replay_resume()");

  primary.append_config("synchronous_commit = off");
  found = diagnose(mesh, both);
  CHECK(contains(found.about("primary", "warning"), "synchronous_commit is off"));

  const auto swapped = diagnose(mesh, {"--primary", replica.connection_string()});
  CHECK(swapped.status == 1);
  CHECK(contains(swapped.about("primary", "problem"), "is a standby"));

  const auto alone = diagnose(mesh, {"--database", primary.connection_string()});
  CHECK(contains(alone.about("primary", "ok"), "the database itself"));
}

TEST_CASE("the doctor tells apart a wrong password, a wrong database and an unreadable string") {
  Cluster cluster;
  auto& server = cluster.primary();
  server.execute("CREATE ROLE someone LOGIN PASSWORD 'right'");
  const auto rules = server.data_directory() / "pg_hba.conf";
  run({.arguments = {"sed", "-i", "1i local all someone scram-sha-256", rules}}, 5s);
  server.append_config("\n");
  const CommandMesh mesh;
  const auto problem = [&](const std::string& connection_string) {
    const auto found = diagnose(mesh, {"--database", connection_string});
    CHECK(found.status == 1);
    CHECK(lacks(found.findings.dump(), "hush"));
    return found.about("database", "problem");
  };
  CHECK(contains(problem(server.connection_string("user=someone password=hush")),
                 "wrong password, or none: "));
  CHECK(contains(problem(server.connection_string("user=someone")), "wrong password, or none: "));
  CHECK(contains(problem(server.connection_string("dbname=absent")), "wrong database: "));
  CHECK(contains(problem(server.connection_string("user=nobody")), "is not let in: "));
  CHECK(contains(problem("host=a password=hush hush"), "unreadable connection string: "));
  CHECK(contains(problem("postgresql://me:hu@hush@a/db"), "unreadable connection string: "));
  CHECK(contains(problem("host=127.0.0.1 port=1"), "not reached: "));
}

TEST_CASE("the doctor names the right that a role lacks") {
  Cluster cluster;
  cluster.primary().execute("CREATE ROLE plain LOGIN");
  const CommandMesh mesh;
  const auto found =
      diagnose(mesh, {"--database", cluster.primary().connection_string("user=plain")});
  CHECK(found.status == 0);
  CHECK(contains(found.about("database", "warning"), "ALTER ROLE plain REPLICATION"));
}

TEST_CASE("the doctor sees that database and primary are two clusters") {
  Cluster one;
  Cluster other({.own_identity = true});
  const CommandMesh mesh;
  const auto found = diagnose(mesh, {"--database", one.primary().connection_string(), "--primary",
                                     other.primary().connection_string()});
  CHECK(found.status == 1);
  CHECK(contains(found.about("primary", "problem"), "another cluster"));
}

TEST_CASE("the doctor sees that database and primary are two primaries of one cluster") {
  Cluster cluster;
  auto& heir = cluster.add_replica();
  heir.promote();
  const CommandMesh mesh;
  const auto found = diagnose(mesh, {"--database", heir.connection_string(), "--primary",
                                     cluster.primary().connection_string()});
  CHECK(found.status == 1);
  CHECK(contains(found.about("primary", "problem"), "two primaries of one cluster"));
}

TEST_CASE("the doctor says what a logical replica means for the gate") {
  Cluster cluster;
  cluster.primary().execute(
      "CREATE SUBSCRIPTION s CONNECTION 'host=127.0.0.1' PUBLICATION p WITH (connect = false)");
  const CommandMesh mesh;
  const auto found = diagnose(mesh, {"--database", cluster.primary().connection_string()});
  CHECK(contains(found.about("database", "warning"), "by logical replication"));
  CHECK(contains(found.about("database", "warning"), "read a physical standby"));
}
