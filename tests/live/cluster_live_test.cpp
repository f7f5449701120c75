// The private cluster that the other live tests build on.
#include <chrono>
#include <fstream>
#include <set>
#include <sstream>

#include <doctest/doctest.h>

#include "support/cluster.hpp"
#include "support/eventually.hpp"

using namespace tidegate::support;
using namespace std::chrono_literals;

namespace {

std::string count_rows(Server& server) { return server.value("SELECT count(*) FROM t"); }

bool arrives(Server& server, const std::string& rows) {
  return eventually(10s, [&] { return count_rows(server) == rows; });
}

// A server's processes have their working directory in common.
int processes_in(const std::filesystem::path& directory) {
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    std::error_code gone;
    const auto cwd = std::filesystem::read_symlink(entry.path() / "cwd", gone);
    if (!gone && cwd.string().starts_with(directory.string())) ++count;
  }
  return count;
}

// The segments that this host has, by id.
std::set<std::string> shared_memory_segments() {
  std::ifstream file("/proc/sysvipc/shm");
  std::set<std::string> ids;
  std::string key;
  std::string id;
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    if (words >> key >> id) ids.insert(id);
  }
  return ids;
}

// That of a running server: the seventh line of its lock file is "key id".
std::string shared_memory_segment(const std::filesystem::path& data) {
  std::ifstream file(data / "postmaster.pid");
  std::string line;
  for (int i = 0; i < 7; ++i) std::getline(file, line);
  std::istringstream words(line);
  std::string key;
  std::string id;
  words >> key >> id;
  return id;
}

}  // namespace

TEST_CASE("a row reaches a replica with an apply delay and one that follows it") {
  Cluster cluster;
  cluster.primary().execute("CREATE TABLE t (id int)");
  auto& late = cluster.add_replica({.name = "late", .apply_delay = 300ms});
  auto& cascade = cluster.add_replica({.follow = &late});
  CHECK(late.value("SHOW recovery_min_apply_delay") == "300ms");
  CHECK(cascade.value("SHOW primary_conninfo").find(late.socket_directory()) != std::string::npos);

  cluster.primary().execute("INSERT INTO t VALUES (1)");
  const auto written = std::chrono::steady_clock::now();
  CHECK(arrives(late, "1"));
  CHECK(std::chrono::steady_clock::now() - written > 200ms);
  CHECK(arrives(cascade, "1"));
}

TEST_CASE("a promoted replica takes writes and another one follows it") {
  Cluster cluster;
  cluster.primary().execute("CREATE TABLE t (id int)");
  auto& heir = cluster.add_replica();
  auto& other = cluster.add_replica({.slot = true});
  CHECK(cluster.primary().value("SELECT count(*) FROM pg_replication_slots") == "1");

  cluster.primary().crash();
  heir.promote();
  CHECK(heir.value("SELECT pg_is_in_recovery()") == "f");
  heir.execute("SELECT pg_create_physical_replication_slot('replica2')");
  other.follow(heir);
  heir.execute("INSERT INTO t VALUES (1)");
  CHECK(arrives(other, "1"));
}

TEST_CASE("a crashed server comes back with the WAL that it had flushed") {
  Cluster cluster;
  cluster.primary().execute("CREATE TABLE t (id int); INSERT INTO t VALUES (1)");
  auto& replica = cluster.add_replica();
  cluster.primary().crash();
  CHECK_FALSE(cluster.primary().running());
  CHECK_THROWS(static_cast<void>(cluster.primary().connect()));
  cluster.primary().start();
  cluster.primary().execute("INSERT INTO t VALUES (2)");
  CHECK(arrives(replica, "2"));

  replica.crash();
  replica.start();
  replica.restart();
  cluster.primary().execute("INSERT INTO t VALUES (3)");
  CHECK(arrives(replica, "3"));
}

TEST_CASE("a running server takes more configuration") {
  Cluster cluster({.tcp = true, .config = "shared_preload_libraries = 'pg_stat_statements'"});
  auto& server = cluster.primary();
  CHECK(server.port() < 32768);
  CHECK(server.value("SHOW shared_preload_libraries") == "pg_stat_statements");
  server.append_config("log_statement = 'all'\n");
  server.execute("SELECT 'a word for the log'");
  CHECK(server.log_text().find("a word for the log") != std::string::npos);
}

TEST_CASE("clusters share a system identifier unless they ask for their own") {
  const auto* identifier = "SELECT system_identifier FROM pg_control_system()";
  Cluster one;
  Cluster copy;
  Cluster other({.own_identity = true});
  CHECK(one.primary().value(identifier) == copy.primary().value(identifier));
  CHECK(one.primary().value(identifier) != other.primary().value(identifier));
}

TEST_CASE("a server that does not start says why") {
  Cluster cluster;
  cluster.primary().stop();
  cluster.primary().append_config("shared_buffers = 'plenty'\n");
  CHECK_THROWS_WITH_AS(cluster.primary().start(),
                       doctest::Contains("invalid value for parameter \"shared_buffers\""),
                       std::runtime_error);
}

TEST_CASE("nothing is left of a cluster, not even of a server that crashed") {
  std::vector<std::string> segments;
  std::filesystem::path directory;
  {
    Cluster cluster;
    directory = cluster.directory();
    auto& replica = cluster.add_replica();
    cluster.add_replica();
    const auto session = replica.connect();
    CHECK(processes_in(directory) > 10);
    for (const auto& entry : std::filesystem::directory_iterator(directory)) {
      segments.push_back(shared_memory_segment(entry.path() / "data"));
      CHECK(shared_memory_segments().count(segments.back()) == 1);
    }
    CHECK(segments.size() == 3);
    replica.crash();
  }
  CHECK(processes_in(directory) == 0);
  CHECK_FALSE(std::filesystem::exists(directory));
  for (const auto& segment : segments) CHECK(!shared_memory_segments().contains(segment));
}

TEST_CASE("a server that a failover has replaced is copied again and follows its successor") {
  Cluster cluster;
  auto& old = cluster.primary();
  old.execute("CREATE TABLE t (i int)");
  auto& heir = cluster.add_replica();
  old.crash();
  heir.promote();
  Cluster::copy_again(old, heir);
  CHECK(old.value("SELECT pg_is_in_recovery()") == "t");
  heir.execute("INSERT INTO t VALUES (1)");
  CHECK(arrives(old, "1"));
}
