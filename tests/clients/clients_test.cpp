// Clients of npm at the doors of real peers, in Node and in headless Chromium. `./dev clients`
// installs them and says where they are (NODE_PATH).
#include <chrono>
#include <csignal>
#include <set>
#include <sstream>
#include <string>

#include <doctest/doctest.h>

#include "support/cluster.hpp"
#include "support/eventually.hpp"
#include "support/port.hpp"
#include "tests/live/command_mesh.hpp"
#include "tests/paths.hpp"

using namespace std::chrono_literals;
using namespace tidegate;
using namespace tidegate::support;
using namespace tidegate::testing;

namespace {

std::string source(const std::string& path) {
  return std::string(TIDEGATE_SOURCE_ROOT) + "/" + path;
}

std::string client(const std::string& name) { return source("tests/clients/" + name); }

void wait_for_all(Process& peer, std::set<std::string> types) {
  wait_for(peer, [&](const json& line) {
    types.erase(line["type"]);
    return types.empty();
  });
}

// A peer with a door over TCP and one over WebSocket, which knows the pages of one origin.
struct Peer {
  Peer(const CommandMesh& mesh, const std::string& name, const std::string& page,
       const Arguments& more)
      : door(std::to_string(unused_port())),
        http(std::to_string(unused_port())),
        process(mesh.start(arguments(name, page, more))) {}

  [[nodiscard]] Arguments arguments(const std::string& name, const std::string& page,
                                    const Arguments& more) const {
    Arguments all{"peer",
                  "--name",
                  name,
                  "--door",
                  "tcp:127.0.0.1:" + door,
                  "--http",
                  "127.0.0.1:" + http,
                  "--http-origin",
                  "http://127.0.0.1:" + page};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }

  std::string door;
  std::string http;
  Process process;
};

// Two of them that have met.
struct Pair {
  explicit Pair(const Arguments& of_a = {}, const Arguments& of_b = {})
      : page(std::to_string(unused_port())), a(mesh, "a", page, of_a), b(mesh, "b", page, of_b) {
    wait_for_all(a.process, servers({"peer_ready"}, of_a));
    wait_for_all(b.process, servers({"peer_ready"}, of_b));
  }

  static std::set<std::string> servers(std::set<std::string> types, const Arguments& arguments) {
    for (const auto& argument : arguments) {
      if (argument == "--database") types.insert("server_up");
      if (argument == "--primary") types.insert("primary_up");
    }
    return types;
  }

  // The arguments of `run.js` behind the first one.
  [[nodiscard]] Arguments driven(const std::string& name, const std::string& version,
                                 const std::string& last) const {
    const bool http = name == "websocket";
    return {name, version, http ? a.http : a.door, http ? b.http : b.door, last};
  }

  CommandMesh mesh;
  std::string page;
  Peer a;
  Peer b;
};

// A primary, and a replica that is a little late.
struct Servers {
  Cluster cluster{ClusterOptions{.tcp = true}};
  Server& replica = cluster.add_replica({.apply_delay = 100ms});

  [[nodiscard]] Arguments of_a() {
    const auto primary = cluster.primary().connection_string();
    return {"--primary", primary, "--database", primary};
  }
  [[nodiscard]] Arguments of_b() const { return {"--database", replica.connection_string()}; }
  [[nodiscard]] static std::string uri(const Server& server) {
    return "postgresql://postgres@127.0.0.1:" + std::to_string(server.port()) + "/postgres";
  }
};

Process start(Arguments arguments, Stream errors = Stream::merge) {
  Command command;
  command.arguments = std::move(arguments);
  command.input = Stream::pipe;
  command.output = Stream::pipe;
  command.errors = errors;
  return Process(command);
}

Process start_run(const std::string& what, const Arguments& arguments) {
  Arguments all{"node", client("run.js"), what};
  all.insert(all.end(), arguments.begin(), arguments.end());
  return start(all);
}

// All that it prints is that something has passed, and in the end "done".
void passes(Process process) {
  std::string last;
  while (const auto line = process.read_line(3 * command_bound)) {
    last = *line;
    CHECK_MESSAGE((last == "done" || last.starts_with("passed ")), last);
  }
  CHECK(last == "done");
  CHECK(ended(process) == 0);
}

void next_line(Process& process, const std::string& wanted) {
  const auto line = process.read_line(command_bound);
  REQUIRE(line.has_value());
  CHECK(*line == wanted);
}

void passes_in_all_versions(const std::string& name) {
  const Pair pair;
  for (const std::string version : {"1.0", "1.1", "1.2"}) {
    CAPTURE(version);
    passes(start_run("suite", pair.driven(name, version, "none")));
  }
}

constexpr int burst = 100'000;

// All messages lie in the gate of b when its replica goes on, so that neither the publisher nor the
// mesh slows the client. Tells the rate at which the client gets them.
void measure(const std::string& name, Servers& servers, Pair& pair, Process process) {
  next_line(process, "ready");
  servers.replica.execute("SELECT pg_wal_replay_pause()");
  const auto pub = pair.mesh.run({"pub", "made", name, "--json", "--primary",
                                  servers.cluster.primary().connection_string(), "--after",
                                  "CREATE TABLE \"" + name + "\" ()"});
  const auto token = json::parse(pub.output)["token"].get<std::string>();
  const std::string payload(256, 'x');
  std::string lines;
  for (int i = 0; i < burst; ++i) {
    lines += R"({"topic":"rates","payload":")" + payload + R"(","depends":")" + token + "\"}\n";
  }
  pair.a.process.write(lines);
  REQUIRE(eventually(6 * command_bound, [&] {
    const auto status = json::parse(pair.mesh.run({"status", "--json", "--name", "b"}).output);
    return status["held"] >= burst;
  }));
  servers.replica.execute("SELECT pg_wal_replay_resume()");
  const auto rate = process.read_line(6 * command_bound);
  REQUIRE(rate.has_value());
  MESSAGE(name << ": " << *rate);
  next_line(process, "done");
}

}  // namespace

TEST_CASE("stompjs talks through the doors over TCP in all versions of STOMP") {
  passes_in_all_versions("stompjs");
}

TEST_CASE("stompit talks through the doors in all versions of STOMP") {
  passes_in_all_versions("stompit");
}

TEST_CASE("stompjs talks through the doors over WebSocket in all versions of STOMP") {
  passes_in_all_versions("websocket");
}

TEST_CASE("stompjs talks through the doors from headless Chromium in all versions of STOMP") {
  const Pair pair;
  const Peer other(pair.mesh, "other", "1", {});
  for (const std::string version : {"1.0", "1.1", "1.2"}) {
    CAPTURE(version);
    passes(start({"node", client("browser.js"), pair.page, version, pair.a.http, pair.b.http,
                  other.http, "none"}));
  }
}

TEST_CASE("messages of npm's clients wait for their commit on a primary and its replica") {
  Servers servers;
  const Pair pair(servers.of_a(), servers.of_b());
  for (const std::string name : {"stompjs", "stompit", "websocket"}) {
    CAPTURE(name);
    passes(start_run("suite", pair.driven(name, "1.2", "commit")));
  }
}

TEST_CASE("stompjs and stompit hear of messages that are not delivered, or not sent") {
  for (const std::string name : {"stompjs", "stompit"}) {
    CAPTURE(name);
    Servers servers;
    auto of_b = servers.of_b();
    of_b.insert(of_b.end(), {"--overdue", "drop", "--overdue-after", "300ms"});
    const Pair pair(servers.of_a(), of_b);
    auto process = start_run("notices", pair.driven(name, "1.2", "commit"));
    next_line(process, "pause the replica");
    servers.replica.execute("SELECT pg_wal_replay_pause()");
    servers.cluster.primary().execute("CREATE TABLE t ()");
    process.write("done\n");
    next_line(process, "stop the primary");
    servers.cluster.primary().crash();
    process.write("done\n");
    next_line(process, "start the primary");
    servers.cluster.primary().start();
    process.write("done\n");
    passes(std::move(process));
  }
}

TEST_CASE("the Node examples commit, announce, and read on a replica that is behind") {
  Servers servers;
  auto& primary = servers.cluster.primary();
  primary.execute("CREATE TABLE builds (id serial PRIMARY KEY, name text)");
  Pair pair(servers.of_a(), servers.of_b());
  auto react =
      start({"node", source("examples/node/react.js"), Servers::uri(servers.replica), pair.b.door});
  next_line(react, "ready for builds");
  const auto announce = [&](const std::string& door) {
    return CommandMesh::finish(
        start({"node", source("examples/node/announce.js"), Servers::uri(primary), door, "linux"},
              Stream::pipe));
  };
  servers.replica.execute("SELECT pg_wal_replay_pause()");
  const auto announced = announce(pair.a.door);
  CHECK(announced.errors == "");
  CHECK(announced.output == "announced build 1\n");
  // Everybody has the message, and the replica does not have the row.
  CHECK_FALSE(react.read_line(300ms).has_value());
  CHECK(servers.replica.value("SELECT count(*) FROM builds") == "0");
  servers.replica.execute("SELECT pg_wal_replay_resume()");
  next_line(react, "build 1 is linux");
  react.send(SIGTERM);
  CHECK(ended(react) == 0);
  const auto refused = announce(std::to_string(unused_port()));
  CHECK(refused.status == 1);
  CHECK(refused.errors == "not announced: the door is gone\n");
  CHECK(primary.value("SELECT count(*) FROM builds") == "1");
}

TEST_CASE("one client gets a hundred thousand messages that a replica has held back") {
  Servers servers;
  Pair pair(servers.of_a(), servers.of_b());
  const auto count = std::to_string(burst);
  for (const std::string name : {"stompjs", "websocket", "stompit"}) {
    measure(name, servers, pair, start_run("rate", pair.driven(name, "1.2", count)));
  }
  measure("stomp.py", servers, pair,
          start({"/usr/bin/python3", client("rate.py"), pair.b.door, count}));
}
