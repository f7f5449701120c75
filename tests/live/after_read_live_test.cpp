// A message that follows from what was read of one replica, at a receiver that reads another.
#include <chrono>
#include <string>

#include <doctest/doctest.h>

#include "support/cluster.hpp"
#include "support/eventually.hpp"
#include "tests/live/command_mesh.hpp"
#include "tests/live/mesh.hpp"
#include "tests/live/rows.hpp"

using namespace tidegate;
using namespace tidegate::support;
using namespace tidegate::testing;
using namespace std::chrono_literals;

TEST_CASE(
    "a row that was read on one replica is there where a message that follows from it comes") {
  Cluster cluster;
  auto& ahead = cluster.add_replica();
  auto& behind = cluster.add_replica();
  cluster.primary().execute("CREATE TABLE t (i int)");
  const auto mesh = private_mesh();
  const auto publisher = start_on(ahead, mesh, "publisher");
  const auto receiver = start_on(behind, mesh, "receiver");
  join({publisher.get(), receiver.get()});
  REQUIRE(eventually(20s, [&] { return behind.value("SELECT to_regclass('t')") == "t"; }));
  auto at_receiver = behind.connect();
  behind.execute("SELECT pg_wal_replay_pause()");
  cluster.primary().execute("INSERT INTO t VALUES (1)");
  REQUIRE(eventually(20s, [&] { return ahead.value("SELECT count(*) FROM t") == "1"; }));

  // The hidden channel: with no word of what was read the receiver can't find it.
  CHECK(publisher->publish(topic("early"), "early", NoChange{.apart = true}) == Publish::accepted);
  CHECK(next_payload(*receiver) == "early");
  CHECK(at_receiver.value("SELECT count(*) FROM t") == "0");

  CHECK(publisher->publish(topic("read"), "read", AfterRead{}) == Publish::accepted);
  CHECK(holds(*receiver, 1));
  behind.execute("SELECT pg_wal_replay_resume()");
  CHECK(next_payload(*receiver) == "read");
  CHECK(at_receiver.value("SELECT count(*) FROM t") == "1");
}

TEST_CASE("a peer that reads no server refuses a message after what was read") {
  const auto peer = Peer::start(private_mesh());
  REQUIRE(peer);
  CHECK((*peer)->publish(topic("x"), "", AfterRead{}) == Publish::no_database);
}

TEST_CASE("what pub --after-read announces waits for what was to be read when it was called") {
  Cluster cluster;
  auto& ahead = cluster.add_replica();
  auto& behind = cluster.add_replica();
  const CommandMesh mesh;
  auto receiver = mesh.start(
      {"peer", "--name", "receiver", "--database", behind.connection_string(), "--subscribe", "#"});
  wait_for(receiver, "server_up");
  behind.execute("SELECT pg_wal_replay_pause()");
  cluster.primary().execute("CREATE TABLE t ()");
  REQUIRE(eventually(20s, [&] { return ahead.value("SELECT to_regclass('t')") == "t"; }));
  const auto pub =
      mesh.run({"pub", "read", "x", "--after-read", "--database", ahead.connection_string()});
  CAPTURE(pub.errors);
  REQUIRE(pub.status == 0);
  CHECK(eventually(command_bound, [&] {
    const auto status = mesh.run({"status", "--json", "--name", "receiver"});
    return json::parse(status.output)["held"] == 1;
  }));
  behind.execute("SELECT pg_wal_replay_resume()");
  CHECK(wait_for(receiver, "delivery")["payload"] == "x");
  CHECK(behind.value("SELECT to_regclass('t')") == "t");

  CHECK(mesh.run({"pub", "x", "--after-read", "--after", "SELECT 1"}).status == 2);
  CHECK(mesh.run({"pub", "x", "--after-read"}).status == 2);
}
