// The mesh of docs/operations.md, set up as the guide says: its role, its file of settings, its
// steps. Only the network, the folders and the servers are those of the test.
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "support/cluster.hpp"
#include "support/eventually.hpp"
#include "tests/live/command_mesh.hpp"
#include "tests/paths.hpp"

using namespace std::chrono_literals;
using namespace tidegate::support;
using namespace tidegate::testing;

namespace {

// The block of settings, without what it stands behind.
std::string settings_of_guide() {
  std::ifstream file(std::string(TIDEGATE_SOURCE_ROOT) + "/docs/operations.md");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const std::string fence = "```toml\n";
  const auto begin = text.find(fence);
  REQUIRE(begin != std::string::npos);
  const auto from = begin + fence.size();
  return text.substr(from, text.find("```", from) - from);
}

void replace(std::string& text, const std::string& old, const std::string& by) {
  const auto at = text.find(old);
  CAPTURE(old);
  REQUIRE(at != std::string::npos);
  text.replace(at, old.size(), by);
}

}  // namespace

TEST_CASE("the mesh of the guide for operators comes up by its own steps, and passes its drill") {
  Cluster cluster;
  cluster.primary().execute("CREATE DATABASE app");
  auto& replica = cluster.add_replica();
  const CommandMesh mesh;
  const auto path = [&](const std::string& name) { return (mesh.directory() / name).string(); };

  const auto key = mesh.run({"keygen"});
  REQUIRE(key.status == 0);
  std::ofstream(path("mesh.key")) << key.output;
  std::filesystem::permissions(path("mesh.key"), std::filesystem::perms::owner_read);
  cluster.primary().execute(mesh.run({"role-sql"}).output);

  std::vector<Process> peers;
  for (const auto* name : {"app-1", "app-2", "app-3"}) {
    auto settings = settings_of_guide();
    replace(settings, "app-1", name);
    replace(settings, "eth0", "lo");
    replace(settings, "/etc/tidegate/mesh.key", path("mesh.key"));
    replace(settings, "/var/lib/tidegate/app-1.state", path(std::string(name) + ".state"));
    replace(settings, "host=127.0.0.1 dbname=app", replica.connection_string("dbname=app"));
    replace(settings, "host=db-a,db-b dbname=app",
            cluster.primary().connection_string("dbname=app"));
    const auto file = path(std::string(name) + ".toml");
    std::ofstream(file) << settings;
    const auto check = mesh.run({"peer", "--check", "--config", file});
    CAPTURE(check.errors);
    CHECK(check.status == 0);
    const auto doctor = mesh.run({"doctor", "--config", file});
    CAPTURE(doctor.output);
    CHECK(doctor.status == 0);
    peers.push_back(mesh.start({"peer", "--config", file}));
  }
  for (auto& peer : peers) {
    for (int others = 0; others < 2; ++others) wait_for(peer, "peer_ready");
  }
  const auto config = path("app-1.toml");
  const auto ready = [&] {
    std::size_t count = 0;
    const auto document = json::parse(mesh.run({"peers", "--json", "--config", config}).output);
    for (const auto& peer : document["peers"]) {
      count += peer["state"] == "ready" ? 1 : 0;
    }
    return count;
  };
  CHECK(ready() == 2);
  CHECK(mesh.run({"status", "--check", "--config", config}).status == 0);

  auto drill = mesh.start({"sub", "drill/#", "--config", path("app-2.toml"), "--count", "1"});
  CHECK(eventually(command_bound, [&] { return ready() == 3; }));
  const auto pub = mesh.run({"pub", "drill/1", "hello", "--after", "SELECT 1", "--config", config});
  CAPTURE(pub.errors);
  CHECK(pub.status == 0);
  CHECK(contains(drill.read_line(command_bound).value_or(""), "hello"));
  for (auto& peer : peers) CHECK(wait_for(peer, "delivery")["payload"] == "hello");
}
