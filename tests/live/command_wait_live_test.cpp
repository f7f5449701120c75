// `tidegate wait`, and the line that it writes, as a web node, a job and a deployment use them.
#include <chrono>
#include <string>

#include <doctest/doctest.h>

#include "support/cluster.hpp"
#include "support/eventually.hpp"
#include "tests/live/command_mesh.hpp"
#include "tidegate/commit.hpp"
#include "tidegate/token.hpp"

using namespace tidegate;
using namespace tidegate::support;
using namespace tidegate::testing;

namespace {

std::string committed(Server& server) {
  auto session = server.connect();
  session.execute(
      "BEGIN; SELECT pg_current_xact_id(); CREATE TABLE IF NOT EXISTS t (i int); "
      "INSERT INTO t VALUES (1)");
  const auto position = commit(session.connection());
  if (!position) FAIL(position.error().message);
  return to_token(*position);
}

json line_of(const Ran& ran) {
  CHECK(ran.errors == "");
  return json::parse(ran.output);
}

}  // namespace

TEST_CASE("wait tells by its exit status whether the replica shows the change") {
  Cluster cluster;
  auto& replica = cluster.add_replica();
  const CommandMesh mesh;
  auto peer = mesh.start({"peer", "--name", "web", "--database", replica.connection_string()});
  wait_for(peer, "server_up");
  const auto token = committed(cluster.primary());
  const auto visible = mesh.run({"wait", token});
  CHECK(visible.errors == "");
  CHECK(visible.output == "it is visible\n");
  CHECK(visible.status == 0);

  replica.execute("SELECT pg_wal_replay_pause()");
  const auto later = committed(cluster.primary());
  const auto behind = mesh.run({"wait", later, "--timeout", "100ms"});
  CHECK(behind.output == "it is not visible yet\n");
  CHECK(behind.status == 5);
  CHECK(mesh.run({"wait", later, "--timeout", "0s"}).status == 5);
  CHECK(line_of(mesh.run({"wait", later, "--timeout", "0s", "--json"}))["covered"] == "pending");
  CHECK(mesh.run({"wait", later, "--timeout", "0s", "--database", replica.connection_string()})
            .status == 5);
  CHECK(mesh.run({"wait", token, "--database", replica.connection_string()}).status == 0);

  auto position = *parse_token(token);
  position.branch = Branch(ServerKind::postgres, position.cluster() + 1, position.branch.history());
  CHECK(mesh.run({"wait", to_token(position)}).status == 8);
  position = *parse_token(later);
  // A timeline that was left long before.
  position.branch =
      Branch(ServerKind::postgres, position.cluster(), *History::of({{1, 0, 0}, {2, 0x100, 1000}}));
  CHECK(mesh.run({"wait", to_token(position)}).status == 6);
  position.after = 0;
  CHECK(mesh.run({"wait", to_token(position)}).status == 7);

  CHECK(mesh.run({"wait", token + "x"}).status == 2);
  CHECK(contains(mesh.run({"wait", token.substr(0, 20)}).errors, "cut or changed"));
  CHECK(mesh.run({"wait", token, "--everywhere", "--database", "host=x"}).status == 2);
}

TEST_CASE("wait --everywhere names the peer whose replica is paused") {
  Cluster cluster;
  auto& prompt = cluster.add_replica({.name = "prompt"});
  auto& late = cluster.add_replica({.name = "late"});
  const CommandMesh mesh;
  auto a = mesh.start({"peer", "--name", "app-1", "--database", prompt.connection_string()});
  auto b = mesh.start({"peer", "--name", "app-2", "--database", late.connection_string()});
  wait_for(a, "peer_ready");
  wait_for(b, "peer_ready");
  late.execute("SELECT pg_wal_replay_pause()");
  const auto token = committed(cluster.primary());
  const Arguments wait{"wait", token, "--everywhere", "--name", "app-1"};
  auto impatient = wait;
  impatient.insert(impatient.end(), {"--timeout", "1s"});
  const auto behind = mesh.run(impatient);
  CHECK(behind.status == 5);
  CHECK(contains(behind.output, "it is not visible yet\n  app-2 (127.0.0.1:"));
  CHECK(contains(behind.output, "): behind\n"));
  CHECK(lacks(behind.output, "app-1"));
  late.execute("SELECT pg_wal_replay_resume()");
  const auto all = mesh.run(wait);
  CHECK(all.status == 0);
  CHECK(all.output == "it is visible\n");
}

TEST_CASE("a program asks on its standard input, and is answered in its time") {
  Cluster cluster;
  auto& replica = cluster.add_replica();
  const CommandMesh mesh;
  auto peer = mesh.start({"peer", "--name", "web", "--database", replica.connection_string()});
  wait_for(peer, "server_up");
  replica.execute("SELECT pg_wal_replay_pause()");
  const auto token = committed(cluster.primary());
  const auto ask = [&](json line) {
    line["wait"] = token;
    peer.write(line.dump() + "\n");
  };
  ask({{"id", "waits"}, {"timeout_ms", 20000}});
  ask({{"id", "now"}});
  auto answer = wait_for(peer, "covered");
  CHECK(answer["id"] == "now");
  CHECK(answer["covered"] == "pending");
  CHECK(answer["members"] == json::array());
  replica.execute("SELECT pg_wal_replay_resume()");
  answer = wait_for(peer, "covered");
  CHECK(answer["id"] == "waits");
  CHECK(answer["covered"] == "visible");
  ask({{"everywhere", true}, {"timeout_ms", 5000}});
  answer = wait_for(peer, "covered");
  CHECK_FALSE(answer.contains("id"));
  CHECK(answer["members"].size() == 1);
  CHECK(answer["members"][0]["name"] == "web");
  peer.write("{\"wait\":\"tide1.AAAA\",\"id\":7}\n");
  answer = wait_for(peer, "error");
  CHECK(contains(answer["message"].get<std::string>(), "copy it anew"));
  CHECK(answer["id"] == 7);
}

TEST_CASE("a peer that reads no server says so, and wait without a peer says that") {
  const CommandMesh mesh;
  const auto token =
      to_token({Branch(ServerKind::postgres, 7, *History::of({{1, 0, 0}})), 0x3000060, 0x3000018});
  CHECK(mesh.run({"wait", token}).status == 3);
  auto peer = mesh.start({"peer", "--name", "web"});
  CHECK(eventually(std::chrono::seconds(10), [&] {
    return mesh.run({"wait", token}).status == 1;
  }));
  CHECK(contains(mesh.run({"wait", token}).output, "nobody can tell"));
}
