// `tidegate trust`, as an operator uses it after a failover that was taken back.
#include <string>

#include <doctest/doctest.h>

#include "support/cluster.hpp"
#include "tests/live/command_mesh.hpp"

using namespace tidegate::support;
using namespace tidegate::testing;

TEST_CASE("trust lets a running peer go on with a primary that it has left for a later history") {
  Cluster cluster;
  auto& primary = cluster.primary();
  const CommandMesh mesh;
  auto writer = mesh.start({"peer", "--name", "writer", "--primary", primary.connection_string()});
  auto other = mesh.start({"peer", "--name", "other"});
  wait_for(writer, "primary_up");
  wait_for(other, "peer_ready");

  // A message of a server that was promoted beside it, and is given up now.
  const auto system = primary.value("SELECT system_identifier FROM pg_control_system()");
  const json position = {
      {"system", system},
      {"history",
       {{{"timeline", 1}}, {{"timeline", 2}, {"begin", "0/1000000"}, {"promoted", 1000}}}},
      {"lsn", "0/1000100"}};
  other.write(json{{"topic", "t"}, {"payload", "later"}, {"depends", position}}.dump() + "\n");
  const auto down = wait_for(writer, "primary_down");
  CHECK(contains(down["reason"].get<std::string>(), "run `tidegate trust`"));

  const auto trust = mesh.run({"trust", "--name", "writer"});
  CHECK(trust.errors == "");
  CHECK(trust.status == 0);
  CHECK(contains(trust.output, "the peer trusts its primary"));
  wait_for(writer, "primary_up");
  writer.write("{\"topic\":\"t\",\"payload\":\"on\",\"depends\":\"commit\",\"id\":1}\n");
  CHECK(wait_for(writer, "sent")["id"] == 1);
}

TEST_CASE("trust says that no peer runs here, or which ones do") {
  const CommandMesh mesh;
  CHECK(mesh.run({"trust"}).status == 3);
  const auto one = mesh.start({"peer", "--name", "one"});
  auto two = mesh.start({"peer", "--name", "two"});
  wait_for(two, "peer_ready");
  const auto several = mesh.run({"trust"});
  CHECK(several.status == 2);
  CHECK(contains(several.errors, "choose one with --name"));
}
