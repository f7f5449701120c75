// A peer leaves its server in peace while it waits for nothing.
#include <chrono>
#include <string>
#include <thread>

#include <doctest/doctest.h>

#include "support/cluster.hpp"
#include "tests/live/mesh.hpp"
#include "tidegate/commit.hpp"

using namespace tidegate;
using namespace tidegate::support;
using namespace tidegate::testing;
using namespace std::chrono_literals;

TEST_CASE("while nothing is held no query reaches the replica, nor the primary") {
  Cluster cluster({.config = "log_statement = all\nlog_replication_commands = on\n"});
  auto& replica = cluster.add_replica();
  auto session = cluster.primary().connect();
  session.execute("CREATE TABLE t (i int)");
  const auto mesh = private_mesh();
  auto writer = start_on(cluster.primary(), mesh, "writer");
  auto reader = start_on(replica, mesh, "reader");
  join({writer.get(), reader.get()});
  CHECK(writer->publish(topic("t"), "first", AfterCommit{}) == Publish::accepted);
  CHECK(next_payload(*reader) == "first");

  // The log shows every query.
  replica.execute("SELECT pg_wal_replay_pause()");
  session.execute("BEGIN; INSERT INTO t VALUES (1)");
  const auto position = commit(session.connection()).value();
  const auto quiet = replica.log_text().size();
  CHECK(writer->publish(topic("t"), "held", position) == Publish::accepted);
  CHECK(holds(*reader, 1));
  CHECK(eventually(5s, [&] { return replica.log_text().size() > quiet; }));
  replica.execute("SELECT pg_wal_replay_resume()");
  CHECK(next_payload(*reader) == "held");

  const auto at_replica = replica.log_text();
  const auto at_primary = cluster.primary().log_text();
  std::this_thread::sleep_for(10s);
  CHECK(replica.log_text().substr(at_replica.size()) == "");
  CHECK(cluster.primary().log_text().substr(at_primary.size()) == "");
  CHECK(writer->publish(topic("t"), "last", NoChange{}) == Publish::accepted);
  CHECK(next_payload(*reader) == "last");
}
