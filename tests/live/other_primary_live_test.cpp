// Two primaries with one timeline number behind a balancer, which leads the application's
// connection to the one and its peer's to the other: no change of the one is announced as one of
// the other.
#include <string>

#include <doctest/doctest.h>

#include "support/cluster.hpp"
#include "tests/live/mesh.hpp"
#include "tests/live/rows.hpp"
#include "tests/support/balancer.hpp"
#include "tidegate/commit.hpp"

using namespace tidegate;
using namespace tidegate::support;
using namespace tidegate::testing;
using namespace std::chrono_literals;

namespace {

// Two standbys of a dead primary that were promoted apart, with a reader each, and a writer whose
// peer asks the first one, which is further than the other.
struct Apart {
  Cluster cluster;
  Server& one = cluster.add_replica({.name = "one"});
  Server& other = cluster.add_replica({.name = "other"});
  Balancer balancer{one};
  std::unique_ptr<Peer> at_one;
  std::unique_ptr<Peer> at_other;
  std::unique_ptr<Peer> writer;

  Apart() {
    promote_apart(cluster, one, other);
    run_ahead(one);
    auto mesh = private_mesh();
    at_one = start_on(one, mesh, "at one");
    at_other = start_on(other, mesh, "at other");
    mesh.primary = balancer.connection_string();
    writer = start(mesh, "writer");
    REQUIRE(next_notice<PrimaryUp>(*writer));
    join({at_one.get(), at_other.get(), writer.get()});
  }

  // On whichever server the balancer leads to.
  void announce(int row) const {
    Session session(balancer.connection_string());
    session.execute("BEGIN; " + insert(row));
    const auto position = commit(session.connection()).value();
    CHECK(position.timeline() == 2);
    CHECK(writer->publish(topic("t"), std::to_string(row), position) == Publish::accepted);
  }

  // A row of the one is delivered there, and told to be lost on the other.
  static void check_announced(int row, Server& there, Peer& at_there, Peer& elsewhere) {
    CHECK(next_payload(at_there) == std::to_string(row));
    CHECK(has_row(there, row));
    const auto undelivered = next_notice<Undelivered>(elsewhere);
    REQUIRE(undelivered);
    CHECK(undelivered->why == Undelivered::Why::orphaned);
  }

  void check_given_back(int row) const {
    const auto unpublished = next_notice<Unpublished>(*writer);
    REQUIRE(unpublished);
    CHECK(unpublished->why == Unpublished::Why::other_primary);
    CHECK(unpublished->payload == std::to_string(row));
  }
};

}  // namespace

TEST_CASE("a commit that a balancer leads to another primary than the peer's comes back") {
  Apart servers;
  servers.balancer.lead_to(servers.other);
  servers.announce(1);
  servers.check_given_back(1);
  CHECK(has_row(servers.other, 1));
  CHECK_FALSE(has_row(servers.one, 1));

  // The first that anybody hears of is one of the peer's own primary.
  servers.balancer.lead_to(servers.one);
  servers.announce(2);
  Apart::check_announced(2, servers.one, *servers.at_one, *servers.at_other);
}

TEST_CASE("a peer that a balancer has led to both primaries announces the changes of each") {
  Apart servers;
  servers.balancer.lead_to(servers.other);
  servers.one.execute(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'tidegate'");
  REQUIRE(next_notice<PrimaryUp>(*servers.writer));
  servers.announce(1);
  Apart::check_announced(1, servers.other, *servers.at_other, *servers.at_one);
  servers.balancer.lead_to(servers.one);
  servers.announce(2);
  Apart::check_announced(2, servers.one, *servers.at_one, *servers.at_other);
}

TEST_CASE("a commit right behind a restart of the primary is announced all the same") {
  Apart servers;
  servers.one.restart();
  servers.announce(1);
  Apart::check_announced(1, servers.one, *servers.at_one, *servers.at_other);
}
