// The gate without the mesh, on a real primary and replica.
#include <chrono>
#include <string>

#include <doctest/doctest.h>
#include <poll.h>

#include "support/cluster.hpp"
#include "tests/lib/samples.hpp"
#include "tidegate/commit.hpp"
#include "tidegate/gate.hpp"

using namespace tidegate;
using namespace std::chrono_literals;
using tidegate::support::Cluster;

namespace {

// Commits a row with this number and returns its position.
Position commit_row(support::Session& session, int number) {
  session.execute("BEGIN; INSERT INTO job VALUES (" + std::to_string(number) + ")");
  auto position = commit(session.connection());
  if (!position) FAIL(position.error().message);
  return *position;
}

}  // namespace

TEST_CASE("jobs that another carrier brings come out when their rows are visible, and not before") {
  Cluster cluster;
  cluster.primary().execute("CREATE TABLE job (id int)");
  auto& replica = cluster.add_replica();
  auto writer = cluster.primary().connect();
  auto reader = replica.connect();
  auto opened = DatabaseGate::open({.database = replica.connection_string()});
  REQUIRE(opened.ok());
  auto& gate = **opened;

  replica.execute("SELECT pg_wal_replay_pause()");
  for (int i = 1; i <= 5; ++i) {
    REQUIRE(gate.hold(std::to_string(i), commit_row(writer, i)));
  }
  CHECK_FALSE(gate.next(300ms));
  CHECK(gate.held() == 5);
  CHECK(gate.trouble() == "");

  replica.execute("SELECT pg_wal_replay_resume()");
  for (int i = 1; i <= 5; ++i) {
    const auto released = gate.next(10s);
    REQUIRE(released);
    CHECK(released->visibility == Visibility::visible);
    CHECK(released->message == std::to_string(i));
    CHECK(reader.value("SELECT count(*) FROM job WHERE id = " + std::to_string(i)) == "1");
  }
  CHECK(gate.held() == 0);
}

TEST_CASE("a gate hangs in somebody else's poll") {
  Cluster cluster;
  auto& replica = cluster.add_replica();
  auto writer = cluster.primary().connect();
  writer.execute("CREATE TABLE job (id int)");
  auto opened = DatabaseGate::open({.database = replica.connection_string()});
  REQUIRE(opened.ok());
  auto& gate = **opened;
  REQUIRE(gate.hold("first", commit_row(writer, 1)));
  REQUIRE(gate.hold("second", commit_row(writer, 2)));

  std::vector<std::string> released;
  const auto end = std::chrono::steady_clock::now() + 10s;
  while (released.size() < 2 && std::chrono::steady_clock::now() < end) {
    pollfd descriptor{gate.descriptor(), POLLIN, 0};
    REQUIRE(poll(&descriptor, 1, 5000) == 1);
    if (auto next = gate.next(0ms)) released.push_back(std::move(next->message));
  }
  CHECK(released == std::vector<std::string>{"first", "second"});
}

TEST_CASE("a gate refuses an item that does not fit its bound, and its held items stay") {
  Cluster cluster;
  auto opened =
      DatabaseGate::open({.database = cluster.primary().connection_string(), .held_bytes = 1'000});
  REQUIRE(opened.ok());
  auto writer = cluster.primary().connect();
  const auto position = position_after_commit(writer.connection());
  REQUIRE(position.ok());
  auto& gate = **opened;
  CHECK(gate.hold(std::string(500, 'x'), *position));
  CHECK_FALSE(gate.hold(std::string(500, 'x'), *position));
  CHECK(gate.next(10s));
  CHECK(gate.hold(std::string(500, 'x'), *position));
}

TEST_CASE("a position of another cluster is told to be foreign") {
  Cluster cluster;
  auto opened = DatabaseGate::open({.database = cluster.primary().connection_string()});
  REQUIRE(opened.ok());
  REQUIRE((*opened)->hold("stranger", tidegate::testing::place(1, 1)));
  const auto released = (*opened)->next(10s);
  REQUIRE(released);
  CHECK(released->visibility == Visibility::foreign);
}

TEST_CASE("a gate without a server holds, and tells why") {
  auto opened = DatabaseGate::open({.database = "host=127.0.0.1 port=1"});
  REQUIRE(opened.ok());
  REQUIRE((*opened)->hold("waits", tidegate::testing::place(1, 1)));
  CHECK_FALSE((*opened)->next(200ms));
  CHECK((*opened)->trouble().find("refused") != std::string::npos);
  CHECK((*opened)->held() == 1);
}

TEST_CASE("a gate tells once that its replica stands still, and once that it goes on") {
  Cluster cluster;
  cluster.primary().execute("CREATE TABLE job (id int)");
  auto& replica = cluster.add_replica();
  auto writer = cluster.primary().connect();
  auto opened = DatabaseGate::open({.database = replica.connection_string()});
  REQUIRE(opened.ok());
  auto& gate = **opened;
  replica.execute("SELECT pg_wal_replay_pause()");
  REQUIRE(gate.hold("job", commit_row(writer, 1)));
  std::optional<Trouble> begun;
  const auto end = std::chrono::steady_clock::now() + 20s;
  while (!begun && std::chrono::steady_clock::now() < end) {
    CHECK_FALSE(gate.next(500ms));
    begun = gate.next_trouble();
  }
  REQUIRE(begun);
  CHECK(begun->kind == Trouble::Kind::replay_still);
  CHECK_FALSE(begun->ended);
  CHECK_FALSE(gate.next(1500ms));
  CHECK_FALSE(gate.next_trouble());
  replica.execute("SELECT pg_wal_replay_resume()");
  REQUIRE(gate.next(10s));
  CHECK_FALSE(gate.next(1500ms));
  const auto over = gate.next_trouble();
  REQUIRE(over);
  CHECK(over->ended);
  CHECK(over->lasted >= 5s);
}
