// Which server a peer believes to be the primary: when an old one runs on beside the one that was
// promoted, when a failover is taken back, and before it has met any.
#include <chrono>
#include <string>
#include <thread>

#include <doctest/doctest.h>

#include "support/cluster.hpp"
#include "tests/live/mesh.hpp"
#include "tests/live/rows.hpp"

using namespace tidegate;
using namespace tidegate::support;
using namespace tidegate::testing;
using namespace std::chrono_literals;

namespace {

void announce(Peer& peer, Server& primary, int row) {
  primary.execute(insert(row));
  CHECK(peer.publish(topic("t"), std::to_string(row), AfterCommit{}) == Publish::accepted);
}

struct TwoServers {
  TwoServers() { old.execute("CREATE TABLE t (i int)"); }

  Cluster cluster;
  Server& old = cluster.primary();
  Server& heir = cluster.add_replica({.name = "heir"});
};

}  // namespace

TEST_CASE("an old primary that runs on is left for the one that the own server follows") {
  TwoServers servers;
  auto mesh = private_mesh();
  mesh.primary = either(servers.old, servers.heir);
  mesh.database = servers.heir.connection_string();
  auto writer = start(mesh, "writer");
  mesh.primary.reset();
  auto reader = start_on(servers.heir, mesh, "reader");
  join({writer.get(), reader.get()});
  announce(*writer, servers.old, 1);
  REQUIRE(next_payload(*reader) == "1");

  // The old primary hears nothing of it, and the application writes to the new one.
  servers.heir.promote();
  servers.old.execute("SELECT pg_switch_wal()");
  std::this_thread::sleep_for(1100ms);  // the own server is asked again after a second
  announce(*writer, servers.heir, 2);
  const auto down = next_notice<PrimaryDown>(*writer);
  REQUIRE(down);
  CHECK(down->reason.find(" is no primary any more: its history is 1, ") != std::string::npos);
  CHECK(down->reason.find(" has come to 1,2@") != std::string::npos);
  REQUIRE(next_notice<PrimaryUp>(*writer));
  const auto unpublished = next_notice<Unpublished>(*writer);
  REQUIRE(unpublished);
  CHECK(unpublished->payload == "2");

  announce(*writer, servers.heir, 3);
  const auto delivery = next_delivery(*reader);
  REQUIRE(delivery);
  CHECK(delivery->message.payload == "3");
  CHECK(delivery->message.position->timeline() == 2);
  CHECK(has_row(servers.heir, 3));
}

TEST_CASE("after a failover that was taken back peers go on, and say which history they saw") {
  TwoServers servers;
  auto mesh = private_mesh();
  mesh.primary = either(servers.old, servers.heir);
  mesh.database = servers.old.connection_string();
  auto writer = start(mesh, "writer");
  auto reader = start(mesh, "reader");
  join({writer.get(), reader.get()});
  announce(*writer, servers.old, 1);
  REQUIRE(next_payload(*reader) == "1");

  servers.old.crash();
  REQUIRE(next_notice<PrimaryDown>(*writer));
  servers.heir.promote();
  REQUIRE(next_notice<PrimaryUp>(*writer));
  announce(*writer, servers.heir, 2);
  REQUIRE(holds(*reader, 1));

  servers.heir.crash();
  servers.old.start();
  const auto warning = next_notice<Warning>(*writer);
  REQUIRE(warning);
  CHECK(warning->text.find("a failover was taken back, ") == 0);
  CHECK(warning->text.find(" named the later one 1,2@") != std::string::npos);
  REQUIRE(next_notice<PrimaryUp>(*writer));
  announce(*writer, servers.old, 3);
  const auto undelivered = next_notice<Undelivered>(*reader);
  REQUIRE(undelivered);
  CHECK(undelivered->why == Undelivered::Why::in_doubt);
  const auto delivery = next_delivery(*reader);
  REQUIRE(delivery);
  CHECK(delivery->message.payload == "3");
  CHECK(has_row(servers.old, 3));
}

TEST_CASE("what is published before the peer has met its server waits, and is sent by a primary") {
  TwoServers servers;
  auto mesh = private_mesh();
  mesh.from = From::earliest;
  mesh.database = servers.old.connection_string();
  servers.old.execute(insert(1));
  auto writer = start(mesh, "writer");
  CHECK(writer->publish(topic("t"), "1", AfterCommit{}) == Publish::accepted);
  mesh.database = servers.heir.connection_string();
  auto reader = start(mesh, "reader");
  CHECK(next_payload(*reader) == "1");
  CHECK(has_row(servers.heir, 1));
}

TEST_CASE("what is published before the peer has met its server comes back from a standby") {
  TwoServers servers;
  auto mesh = private_mesh();
  mesh.database = servers.heir.connection_string();
  auto peer = start(mesh, "peer");
  CHECK(peer->publish(topic("t"), "1", AfterCommit{}) == Publish::accepted);
  const auto unpublished = next_notice<Unpublished>(*peer);
  REQUIRE(unpublished);
  CHECK(unpublished->why == Unpublished::Why::no_primary);
  CHECK(unpublished->payload == "1");
  // From then on such a message is refused.
  CHECK(eventually(
      10s, [&] { return peer->publish(topic("t"), "2", AfterCommit{}) == Publish::no_primary; }));
}

TEST_CASE("a durable position inside somebody's unflushed record is not waited for" * long_test) {
  Cluster cluster({.config = "wal_writer_delay = 10s\n"});
  auto& primary = cluster.primary();
  auto& replica = cluster.add_replica();
  primary.execute("CREATE TABLE t (i int)");
  const auto mesh = private_mesh();
  auto writer = start_on(primary, mesh, "writer");
  auto reader = start_on(replica, mesh, "reader");
  join({writer.get(), reader.get()});
  primary.execute(insert(1));

  // Every ten seconds the WAL writer flushes up to the last page's end, and so within the record.
  auto other = primary.connect();
  other.execute("BEGIN");
  REQUIRE(eventually(30s, [&] {
    other.execute("SELECT pg_logical_emit_message(false, '', repeat('x', 9000))");
    std::this_thread::sleep_for(100ms);
    return other.value(
               "SELECT pg_current_wal_flush_lsn() - '0/0' > 0 AND "
               "(pg_current_wal_flush_lsn() - '0/0') % 8192 = 0 AND "
               "pg_current_wal_insert_lsn() > pg_current_wal_flush_lsn()") == "t";
  }));
  const auto nudges = writer->status().counters.nudges;
  CHECK(writer->publish(topic("t"), "1", AfterCommit{.durable = true}) == Publish::accepted);
  const auto delivery = next_delivery(*reader, 30s);
  REQUIRE(delivery);
  MESSAGE("held for " << milliseconds(delivery->held)
                      << " ms, nudges: " << writer->status().counters.nudges - nudges);
  CHECK(milliseconds(delivery->held) < 2000);
}
