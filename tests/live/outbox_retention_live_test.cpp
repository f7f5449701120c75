// A peer that removes old rows of an outbox, on a real primary.
#include <chrono>
#include <string>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "peer/servers/postgres/outbox_schema.hpp"
#include "support/cluster.hpp"
#include "support/eventually.hpp"
#include "tests/live/command_mesh.hpp"
#include "tests/support/contains.hpp"

using namespace tidegate;
using namespace tidegate::support;
using namespace tidegate::testing;
using namespace std::chrono_literals;

namespace {

json removal(const CommandMesh& mesh) {
  const auto answer = mesh.run({"status", "--json"});
  const auto status = json::parse(answer.output, nullptr, false);
  return status.is_object() ? status["outbox_removal"] : json();
}

}  // namespace

TEST_CASE("a peer removes rows that are too old or too many, and says how many") {
  Cluster cluster;
  auto& primary = cluster.primary();
  primary.execute(postgres::outbox_schema({}));
  primary.execute("SELECT tidegate.announce('t', n::text) FROM generate_series(1, 2500) AS n");
  const CommandMesh mesh;
  auto peer = mesh.start({"peer", "--name", "keeper", "--database", primary.connection_string(),
                          "--outbox-retain-for", "1ms", "--outbox-retain-bytes", "1GB"});
  CHECK(eventually(60s,
                   [&] { return primary.value("SELECT count(*) FROM tidegate.outbox") == "0"; }));
  CHECK(eventually(20s, [&] { return removal(mesh)["rows"] == 2500; }));
  CHECK(removal(mesh)["slices"] == 3);
  CHECK(removal(mesh)["trouble"] == "");
  CHECK(contains(mesh.run({"status"}).output, "2500 rows of the outbox removed in 3 slices"));
}

TEST_CASE("a peer that can't remove rows says why, and goes on when it can") {
  Cluster cluster;
  auto& primary = cluster.primary();
  const CommandMesh mesh;
  auto peer = mesh.start({"peer", "--name", "keeper", "--database", primary.connection_string(),
                          "--outbox-retain-bytes", "1MB"});
  CHECK(eventually(20s, [&] {
    const auto now = removal(mesh);
    return now.is_object() && contains(now["trouble"].get<std::string>(), "tidegate");
  }));
  primary.execute(postgres::outbox_schema({}));
  CHECK(eventually(30s, [&] { return removal(mesh)["trouble"].get<std::string>().empty(); }));
}

TEST_CASE("to remove rows of an outbox a peer needs its server") {
  const CommandMesh mesh;
  const auto answer = mesh.run({"peer", "--outbox-retain-for", "1h"});
  CHECK(answer.status == 1);
  CHECK(contains(answer.errors, "--primary"));
}
