// Servers whose timelines have the same number and other contents: what was committed on the one
// must never be announced on the other.
#include <chrono>
#include <fstream>
#include <iterator>
#include <string>

#include <doctest/doctest.h>

#include "support/cluster.hpp"
#include "tests/live/mesh.hpp"
#include "tests/live/rows.hpp"
#include "tidegate/commit.hpp"

using namespace tidegate;
using namespace tidegate::testing;
using namespace tidegate::support;
using namespace std::chrono_literals;

namespace {

void announce_row(Peer& peer, Server& server, int row) {
  auto session = server.connect();
  session.execute("BEGIN; " + insert(row));
  const auto position = commit(session.connection()).value();
  CHECK(peer.publish(topic("t"), std::to_string(row), position) == Publish::accepted);
}

// The history of timeline 2 as PostgreSQL itself tells it.
std::string history_file(const Server& server) {
  std::ifstream file(server.data_directory() / "pg_wal" / "00000002.history");
  return {std::istreambuf_iterator<char>(file), {}};
}

// Each of the sequences `first` to `last` is reported as undone, and none is delivered.
void check_orphaned(Peer& peer, std::uint64_t first, std::uint64_t last) {
  while (first <= last) {
    auto incoming = peer.next(20s);
    REQUIRE(incoming);
    if (const auto* delivery = std::get_if<Delivery>(&*incoming)) {
      FAIL("delivered: row " << delivery->message.payload);
    }
    const auto* undelivered = std::get_if<Undelivered>(&std::get<Notice>(*incoming));
    if (undelivered == nullptr) continue;
    CHECK(undelivered->why == Undelivered::Why::orphaned);
    CHECK(undelivered->first == first);
    first = undelivered->last + 1;
  }
}

}  // namespace

TEST_CASE("two standbys promoted apart to one timeline number don't take over each other's rows") {
  Cluster cluster;
  auto& one = cluster.add_replica({.name = "one"});
  auto& other = cluster.add_replica({.name = "other"});
  promote_apart(cluster, one, other);
  run_ahead(other);

  const auto mesh = private_mesh();
  auto at_one = start_on(one, mesh, "one");
  auto at_other = start_on(other, mesh, "other");
  join({at_one.get(), at_other.get()});
  for (int row = 1; row <= 3; ++row) announce_row(*at_one, one, row);
  check_orphaned(*at_other, 1, 3);
  CHECK_FALSE(has_row(other, 1));

  // The other way round, where the position lies ahead of what the reader has.
  for (int row = 11; row <= 13; ++row) announce_row(*at_other, other, row);
  check_orphaned(*at_one, 1, 3);
}

TEST_CASE("after a clean switchover and back the twin of a timeline is told from it") {
  Cluster cluster;
  auto& former = cluster.primary();
  auto& heir = cluster.add_replica({.name = "heir"});
  former.execute("CREATE TABLE t (i int)");
  REQUIRE(has_table(heir));
  former.stop();
  heir.promote();

  auto mesh = private_mesh();
  auto at_heir = start_on(heir, mesh, "heir");
  mesh.database = former.connection_string();
  auto at_former = start(mesh, "former");
  join({at_heir.get(), at_former.get()});
  for (int row = 1; row <= 3; ++row) announce_row(*at_heir, heir, row);
  REQUIRE(holds(*at_former, 3));
  heir.stop();

  // As a failover manager starts a former primary. It knows nothing of the heir's timeline, and its
  // own gets the same number and begins at the same place.
  std::ofstream(former.data_directory() / "standby.signal") << "";
  former.start();
  former.promote();
  REQUIRE(history_file(former) != "");
  REQUIRE(history_file(former) == history_file(heir));
  run_ahead(former);
  check_orphaned(*at_former, 1, 3);
  CHECK_FALSE(has_row(former, 1));

  // Nor do they take over from each other when both are there.
  heir.start();
  announce_row(*at_heir, heir, 4);
  check_orphaned(*at_former, 4, 4);
  announce_row(*at_former, former, 11);
  check_orphaned(*at_heir, 1, 1);
}
