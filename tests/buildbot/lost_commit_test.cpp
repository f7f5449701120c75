// Operations of Buildbot's whose COMMIT has no answer: each is made once, whatever happens to the
// primary meanwhile.
#include <chrono>
#include <functional>
#include <string>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "demo/buildbot/paths.hpp"
#include "support/cluster.hpp"
#include "support/eventually.hpp"

using namespace std::chrono_literals;
using namespace tidegate;
using namespace tidegate::support;
using nlohmann::json;

namespace {

struct Site {
  Site() {
    std::filesystem::create_directory(proxy);
    cluster.primary().execute("CREATE TABLE things (what text)");
    REQUIRE(replica_has(wal_end()));
  }

  // `lost`: as lost_commit.py has it; `meanwhile`: before the client's connection breaks.
  json insert(
      const std::string& lost, const std::function<void()>& meanwhile = [] {}) {
    Command command;
    const std::string root = TIDEGATE_SOURCE_ROOT;
    command.arguments = {"/usr/bin/python3", root + "/tests/buildbot/lost_commit.py",
                         cluster.primary().socket_directory(), proxy, replica.socket_directory()};
    command.environment = {{"PYTHONPATH", root + "/integrations/buildbot"},
                           {"PYTHONDONTWRITEBYTECODE", "1"}};
    command.input = Stream::pipe;
    command.output = Stream::pipe;
    Process process(command);
    process.write(lost + "\n");
    REQUIRE(process.read_line(30s) == "lost");
    meanwhile();
    process.write("go on\n");
    const auto line = process.read_line(60s);
    REQUIRE(line.has_value());
    return json::parse(*line);
  }

  std::string wal_end() { return cluster.primary().value("SELECT pg_current_wal_flush_lsn()"); }
  bool replica_has(const std::string& lsn) {
    return eventually(10s, [&] {
      return replica.value("SELECT pg_last_wal_replay_lsn() >= '" + lsn + "'") == "t";
    });
  }
  static std::string things(Server& server) {
    return server.value("SELECT string_agg(what, ' ') FROM things");
  }

  Cluster cluster;
  Server& replica = cluster.add_replica();
  std::filesystem::path proxy = cluster.directory() / "proxy";
};

const json at_once = {{"result", 1}, {"begun", 1}};
const json again = {{"result", 1}, {"begun", 2}};

}  // namespace

TEST_CASE("a COMMIT that arrived is not made again when its answer is lost") {
  Site site;
  CHECK(site.insert("answer") == at_once);
  CHECK(Site::things(site.cluster.primary()) == "seen");
}

TEST_CASE("a COMMIT that did not arrive is made again") {
  Site site;
  CHECK(site.insert("query") == again);
  CHECK(Site::things(site.cluster.primary()) == "seen");
}

TEST_CASE("one whose primary does not hear that the client is gone is made again, too") {
  Site site;
  CHECK(site.insert("silently") == again);
  CHECK(Site::things(site.cluster.primary()) == "seen");
}

TEST_CASE("the promoted replica tells of a COMMIT that it has got") {
  Site site;
  CHECK(site.insert("answer", [&] {
    site.cluster.primary().stop();
    site.replica.promote();
  }) == at_once);
  CHECK(Site::things(site.replica) == "seen");
}

TEST_CASE("what a stopped primary did not commit is made at the promoted replica") {
  Site site;
  CHECK(site.insert("query", [&] {
    site.cluster.primary().stop();
    site.replica.promote();
  }) == again);
  CHECK(Site::things(site.replica) == "seen");
}

TEST_CASE("a COMMIT that a failover has undone is made again, though its id belongs to another") {
  Site site;
  site.replica.append_config("primary_conninfo = ''\n");
  const auto receives = "SELECT count(*) FROM pg_stat_wal_receiver";
  REQUIRE(eventually(10s, [&] { return site.replica.value(receives) == "0"; }));
  CHECK(site.insert("answer", [&] {
    site.cluster.primary().crash();
    site.replica.promote();
    site.replica.execute("CREATE TABLE others (what text)");
    for (int i = 0; i < 5; ++i) site.replica.execute("INSERT INTO others VALUES ('other')");
  }) == again);
  CHECK(Site::things(site.replica) == "seen");
}

TEST_CASE("a primary that crashed and is back tells of a COMMIT") {
  Site site;
  CHECK(site.insert("answer", [&] {
    site.cluster.primary().crash();
    site.cluster.primary().start();
  }) == at_once);
  CHECK(Site::things(site.cluster.primary()) == "seen");
}
