// `tidegate status` and `tidegate peers`: asking the peers of this host.
#include <algorithm>
#include <csignal>
#include <filesystem>
#include <string>

#include <doctest/doctest.h>

#include "support/cluster.hpp"
#include "support/eventually.hpp"
#include "tests/live/command_mesh.hpp"

using namespace std::chrono_literals;
using namespace tidegate::support;
using namespace tidegate::testing;

TEST_CASE("the status of the one peer of this host needs no name") {
  const CommandMesh mesh;
  auto peer = mesh.start({"peer", "--name", "only"});
  wait_for_log(peer, "in mesh");
  const auto words = mesh.run({"status"});
  CHECK(words.status == 0);
  CHECK(contains(words.output, "only in mesh command-"));
  const auto status = json::parse(mesh.run({"status", "--json"}).output);
  CHECK(status["name"] == "only");
  CHECK(status["gated"] == false);
  CHECK(status["counters"]["published"] == 0);
}

TEST_CASE("several peers of this host are offered to choose from") {
  const CommandMesh mesh;
  CommandPair pair(mesh);
  const auto choice = mesh.run({"status"});
  CHECK(choice.status == 2);
  CHECK(contains(choice.errors, "choose one with --name"));
  CHECK(contains(choice.errors, "-a.sock"));
  CHECK(contains(choice.errors, "-b.sock"));
  const auto b = json::parse(mesh.run({"status", "--json", "--name", "b"}).output);
  CHECK(b["name"] == "b");
  REQUIRE(b["peers"].size() == 1);
  CHECK(b["peers"][0]["name"] == "a");
  CHECK(b["peers"][0]["state"] == "ready");
  CHECK(mesh.run({"status", "--mesh", "another"}).status == 3);
}

TEST_CASE("a peer with a socket of its own choice is asked there") {
  const CommandMesh mesh;
  const std::string path = mesh.directory() / "own.sock";
  auto peer = mesh.start({"peer", "--socket", path, "--name", "own"});
  wait_for_log(peer, "in mesh");
  CHECK(json::parse(mesh.run({"status", "--json", "--socket", path}).output)["name"] == "own");
  const auto second = mesh.run({"peer", "--socket", path});
  CHECK(second.status == 1);
  CHECK(contains(second.errors, "another peer answers"));
}

TEST_CASE("a status is watched without a terminal, until the peer ends") {
  const CommandMesh mesh;
  auto peer = mesh.start({"peer", "--name", "watched"});
  wait_for_log(peer, "in mesh");
  auto watch = mesh.start({"status", "--watch", "--json"});
  for (int i = 0; i < 2; ++i) {
    const auto line = watch.read_line(command_bound);
    REQUIRE(line.has_value());
    CHECK(json::parse(*line)["name"] == "watched");
  }
  auto blocks = mesh.start({"status", "--watch"});
  CHECK(blocks.read_line(command_bound).has_value());
  CHECK(contains(blocks.read_line(command_bound).value_or(""), "watched in mesh"));
  blocks.send(SIGINT);
  CHECK(ended(blocks) == 0);

  peer.send(SIGTERM);
  CHECK(ended(peer) == 0);
  CHECK(ended(watch) == 1);
}

TEST_CASE("the socket that a killed peer has left behind does not look like a peer") {
  const CommandMesh mesh;
  auto peer = mesh.start({"peer", "--name", "victim"});
  wait_for_log(peer, "in mesh");
  peer.send(SIGKILL);
  (void)ended(peer);
  CHECK_FALSE(std::filesystem::is_empty(mesh.sockets()));
  const auto ran = mesh.run({"status"});
  CHECK(ran.status == 3);
  CHECK(contains(ran.errors, mesh.sockets().string()));
  CHECK(std::filesystem::is_empty(mesh.sockets()));
}

TEST_CASE("the peers are told by a peer of this host, or by looking around") {
  const CommandMesh mesh;
  CommandPair pair(mesh);
  const auto asked = json::parse(mesh.run({"peers", "--json", "--name", "a"}).output);
  CHECK(asked["asked"] == "a");
  REQUIRE(asked["peers"].size() == 1);
  CHECK(asked["peers"][0]["name"] == "b");
  CHECK(contains(mesh.run({"peers", "--name", "a"}).output, "this peer"));

  // Elsewhere there is no socket to ask.
  auto command = mesh.command({"peers", "--json"});
  command.environment["RUNTIME_DIRECTORY"] = (mesh.directory() / "elsewhere").string();
  const auto met = json::parse(CommandMesh::finish(Process(command)).output);
  CHECK(met["asked"].is_null());
  std::vector<std::string> names;
  for (const auto& peer : met["peers"]) names.push_back(peer["name"]);
  std::sort(names.begin(), names.end());
  CHECK(names == std::vector<std::string>{"a", "b"});
}

TEST_CASE("a load balancer is told whether a replica shows in time what was announced") {
  Cluster cluster;
  auto& replica = cluster.add_replica();
  const CommandMesh mesh;
  auto peer = mesh.start(
      {"peer", "--name", "watched", "--database", replica.connection_string(), "--subscribe", "#"});
  wait_for_log(peer, "in mesh");
  const auto ask = [&] { return mesh.run({"status", "--lag", "500ms", "--name", "watched"}); };
  CHECK(eventually(command_bound, [&] { return ask().status == 0; }));
  replica.execute("SELECT pg_wal_replay_pause()");
  const auto pub = mesh.run({"pub", "made", "x", "--primary", cluster.primary().connection_string(),
                             "--after", "CREATE TABLE t ()", "--peers", "1"});
  REQUIRE(pub.status == 0);
  Ran late;
  CHECK(eventually(command_bound, [&] { return (late = ask()).status == 4; }));
  CHECK(contains(late.output, "not ready: a change that was announced "));
  CHECK(contains(late.output, " ago is not shown; the bound is 500ms"));
  CHECK(mesh.run({"status", "--lag", "1h"}).output == "ready\n");
  replica.execute("SELECT pg_wal_replay_resume()");
  CHECK(eventually(command_bound, [&] { return ask().output == "ready\n"; }));
  replica.stop();
  CHECK(eventually(command_bound, [&] {
    return contains(ask().output, "the server that is read does not answer");
  }));
  CHECK(mesh.run({"status", "--lag", "5"}).status == 2);
  CHECK(mesh.run({"status", "--lag", "5s", "--watch"}).status == 2);
}
