// Clusters of servers that come without client programs, as those of npm do: the folder that
// TEST_POSTGRES names has but these two.
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <string>

#include <doctest/doctest.h>

#include "support/cluster.hpp"
#include "support/eventually.hpp"

using namespace tidegate::support;
using namespace std::chrono_literals;

namespace {

class BareServers {
 public:
  BareServers() {
    for (const auto* name : {"initdb", "postgres"}) {
      std::filesystem::create_symlink(postgres_program(name), folder_.path() / name);
    }
    ::setenv("TEST_POSTGRES", folder_.path().c_str(), 1);
  }
  BareServers(const BareServers&) = delete;
  BareServers& operator=(const BareServers&) = delete;
  ~BareServers() {
    ::setenv("TEST_POSTGRES", before_.c_str(), 1);  // empty counts as none
  }

  [[nodiscard]] std::string folder() const { return folder_.path(); }

 private:
  const char* given_ = std::getenv("TEST_POSTGRES");
  std::string before_ = given_ != nullptr ? given_ : "";
  TemporaryDirectory folder_{"servers"};
};

std::string count(Server& server) { return server.value("SELECT count(*) FROM t"); }

}  // namespace

TEST_CASE("servers without pg_basebackup get standbys by their own backup functions") {
  const BareServers servers;
  CHECK(postgres_program("postgres") == servers.folder() + "/postgres");
  CHECK_THROWS_WITH(static_cast<void>(postgres_program("pg_basebackup")),
                    doctest::Contains(servers.folder().c_str()));
  Cluster cluster;
  auto& primary = cluster.primary();
  primary.execute("CREATE TABLE t (i int); INSERT INTO t SELECT generate_series(1, 1000)");
  auto& standby = cluster.add_replica({.slot = true});
  auto& cascade = cluster.add_replica({.follow = &standby});
  CHECK(count(standby) == "1000");
  CHECK(primary.value("SELECT count(*) FROM pg_replication_slots WHERE active") == "1");

  primary.execute("INSERT INTO t VALUES (0)");
  CHECK(eventually(10s, [&] { return count(standby) == "1001"; }));
  CHECK(eventually(10s, [&] { return count(cascade) == "1001"; }));
  standby.promote();
  standby.execute("INSERT INTO t VALUES (0)");
  CHECK(eventually(10s, [&] { return count(cascade) == "1002"; }));
}
