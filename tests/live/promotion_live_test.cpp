// Failovers: what becomes of messages that wait when a standby is promoted, and of the peers.
#include <chrono>
#include <string>

#include <doctest/doctest.h>

#include "support/cluster.hpp"
#include "tests/live/mesh.hpp"
#include "tests/live/rows.hpp"
#include "tidegate/commit.hpp"

using namespace tidegate;
using namespace tidegate::support;
using namespace tidegate::testing;
using namespace std::chrono_literals;

namespace {

void publish_row(Peer& peer, Session& session, int row) {
  session.execute("BEGIN; " + insert(row));
  const auto position = commit(session.connection()).value();
  CHECK(peer.publish(topic("t"), std::to_string(row), position) == Publish::accepted);
}

// The sequences `first` to `last`, in one notice or several.
void check_orphaned(Peer& peer, std::uint64_t first, std::uint64_t last) {
  while (first <= last) {
    const auto undelivered = next_notice<Undelivered>(peer);
    REQUIRE(undelivered);
    CHECK(undelivered->why == Undelivered::Why::orphaned);
    CHECK(undelivered->first == first);
    first = undelivered->last + 1;
  }
}

void check_delivered(Peer& peer, Server& server, int row) {
  CHECK(next_payload(peer, 20s) == std::to_string(row));
  CHECK(has_row(server, row));
}

// A peer on a server that has just been promoted finds out by trying.
void publish_after_commit(Peer& peer, int row) {
  CHECK(eventually(10s, [&] {
    return peer.publish(topic("t"), std::to_string(row), AfterCommit{}) == Publish::accepted;
  }));
}

}  // namespace

TEST_CASE("after a failover surviving changes are delivered, and lost ones are orphaned") {
  Cluster cluster;
  auto& heir = cluster.add_replica({.name = "heir"});
  auto& follower = cluster.add_replica({.name = "follower"});
  auto& old = cluster.primary();
  auto session = old.connect();
  session.execute("CREATE TABLE t (i int)");

  auto mesh = private_mesh();
  mesh.primary = either(old, heir);
  auto writer = start(mesh, "writer");
  mesh.primary.reset();
  auto at_heir = start_on(heir, mesh, "heir");
  auto at_follower = start_on(follower, mesh, "follower");
  join({writer.get(), at_heir.get(), at_follower.get()});
  REQUIRE(next_notice<PrimaryUp>(*writer));

  // Rows 1 to 3 reach the heir, and nobody sees them on the follower yet.
  follower.execute("SELECT pg_wal_replay_pause()");
  for (int row = 1; row <= 3; ++row) publish_row(*writer, session, row);
  for (int row = 1; row <= 3; ++row) check_delivered(*at_heir, heir, row);
  // Rows 4 and 5 reach nobody.
  heir.append_config("primary_conninfo = ''\n");
  follower.append_config("primary_conninfo = ''\n");
  // A replay that is paused reads no configuration, and fetches nothing more once it is cut off.
  old.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_replication");
  REQUIRE(eventually(10s,
                     [&] { return old.value("SELECT count(*) FROM pg_stat_replication") == "0"; }));
  for (int row = 4; row <= 5; ++row) publish_row(*writer, session, row);
  REQUIRE(holds(*at_heir, 2));
  REQUIRE(holds(*at_follower, 5));

  old.crash();
  REQUIRE(next_notice<PrimaryDown>(*writer));
  CHECK(writer->publish(topic("t"), "in doubt", AfterCommit{}) == Publish::accepted);
  heir.promote();
  check_orphaned(*at_heir, 4, 5);
  CHECK(still_holds(*at_follower, 5));
  REQUIRE(next_notice<PrimaryUp>(*writer));
  for (std::uint64_t sequence = 4; sequence <= 5; ++sequence) {
    const auto undone = next_notice<Undone>(*writer);
    REQUIRE(undone);
    CHECK(undone->sequence == sequence);
    CHECK(undone->ticket == sequence);
    CHECK(undone->why == Undelivered::Why::orphaned);
  }
  const auto unpublished = next_notice<Unpublished>(*writer);
  REQUIRE(unpublished);
  CHECK(unpublished->payload == "in doubt");

  // The new timeline: by the peer on the promoted server, and by one that has followed there.
  heir.execute(insert(6));
  publish_after_commit(*at_heir, 6);
  REQUIRE(holds(*at_follower, 6));
  follower.follow(heir);
  follower.execute("SELECT pg_wal_replay_resume()");
  for (int row = 1; row <= 3; ++row) check_delivered(*at_follower, follower, row);
  check_orphaned(*at_follower, 4, 5);
  check_delivered(*at_follower, follower, 6);
  CHECK_FALSE(has_row(follower, 4));
  heir.execute(insert(7));
  CHECK(writer->publish(topic("t"), "7", AfterCommit{}) == Publish::accepted);
  check_delivered(*at_follower, follower, 7);
  check_delivered(*at_heir, heir, 7);
  CHECK(at_follower->status().tide->timeline() == 2);
}

TEST_CASE("a cascading standby follows its promoted server, and its peer goes on") {
  Cluster cluster;
  auto& middle = cluster.add_replica({.name = "middle"});
  auto& end = cluster.add_replica({.name = "end", .follow = &middle});
  cluster.primary().execute("CREATE TABLE t (i int)");
  const auto mesh = private_mesh();
  auto writer = start_on(cluster.primary(), mesh, "writer");
  auto at_middle = start_on(middle, mesh, "middle");
  auto at_end = start_on(end, mesh, "end");
  join({writer.get(), at_middle.get(), at_end.get()});
  cluster.primary().execute(insert(1));
  CHECK(writer->publish(topic("t"), "1", AfterCommit{}) == Publish::accepted);
  check_delivered(*at_end, end, 1);
  check_delivered(*at_middle, middle, 1);

  cluster.primary().crash();
  middle.promote();
  middle.execute(insert(2));
  publish_after_commit(*at_middle, 2);
  check_delivered(*at_end, end, 2);
  CHECK(at_end->status().tide->timeline() == 2);
  // On the way of the messages: no notice says that a server went down.
  CHECK_FALSE(next_notice<ServerDown>(*at_end, 0ms));
}

TEST_CASE("a peer on a promoted server publishes commits, also when no message has waited") {
  Cluster cluster;
  auto& heir = cluster.add_replica();
  cluster.primary().execute("CREATE TABLE t (i int)");
  const auto mesh = private_mesh();
  auto at_heir = start_on(heir, mesh, "heir");
  auto reader = start(mesh, "reader");
  join({at_heir.get(), reader.get()});
  CHECK(at_heir->publish(topic("t"), "0", AfterCommit{}) == Publish::no_primary);
  REQUIRE(has_table(heir));
  heir.promote();
  heir.execute(insert(1));
  publish_after_commit(*at_heir, 1);
  CHECK(next_payload(*reader) == "1");
}
