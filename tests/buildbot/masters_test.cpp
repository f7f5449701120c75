// Real Buildbot masters over the mesh, as its administrators have them: changes arrive at "west",
// which is on the primary; "east" builds them, and "web" serves pages; both read replicas that are
// late. Each change is to have one buildset and to be built, whatever happens meanwhile.
#include "demo/buildbot/masters.hpp"

#include <chrono>
#include <csignal>
#include <functional>
#include <optional>
#include <string>
#include <thread>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "demo/buildbot/paths.hpp"
#include "support/cluster.hpp"
#include "support/eventually.hpp"
#include "support/port.hpp"

using namespace std::chrono_literals;
using namespace tidegate;
using namespace tidegate::demo;
using namespace tidegate::support;
using nlohmann::json;

namespace {

constexpr int changes = 100;
constexpr auto between_changes = 50ms;
constexpr Duration longest_building = 90s;

// Puts the changes in, and calls `at` before each.
void arrive_at(const std::filesystem::path& feed_path, const std::function<void(int)>& at) {
  Feed feed(feed_path);
  for (int i = 0; i < changes; ++i) {
    at(i);
    feed.add("change-" + std::to_string(i) + ".");
    std::this_thread::sleep_for(between_changes);
  }
  feed.wait();
}

// When all are built, or nothing more is to be hoped for.
Fate fate_on(Server& server, Duration patience = longest_building) {
  Fate fate;
  static_cast<void>(eventually(patience, [&] {
    fate = fate_of_changes(server, "change-");
    return fate.built == changes;
  }));
  return fate;
}

void each_is_built_once(Server& server) {
  const auto found = fate_on(server);
  CHECK(found.changes == changes);
  CHECK(found.built == changes);
  CHECK(found.twice == 0);
}

struct Mesh {
  explicit Mesh(bool gate = true, bool several_hosts = false)
      : primary_url(several_hosts ? database_url(cluster.primary(), &replica)
                                  : database_url(cluster.primary())),
        feed_path(folder / "feed"),
        west(site, folder, "west", west_part(gate)),
        east(site, folder, "east", east_part(gate)),
        web(site, folder, "web", web_part(gate)) {
    west.make_tables();
    west.start();
    east.start();
    web.start();
    for (const auto* master : {&west, &east, &web}) {
      const auto met = [&] { return master->times_in_log(") is ready") >= 2; };
      REQUIRE(eventually(30s, met));
    }
  }

  [[nodiscard]] json part(bool gate, const Server& reads) {
    return {{"db_url", primary_url},
            {"gate", gate},
            {"mq",
             {{"interfaces", "lo"},
              {"beacon_port", beacon_port},
              {"database", database_url(reads)},
              {"read_router", true}}}};
  }
  json west_part(bool gate) {
    auto all = part(gate, cluster.primary());
    all["mq"]["read_router"] = false;
    all["mq"]["database"] = primary_url;
    all["feed"] = feed_path;
    return all;
  }
  json east_part(bool gate) {
    auto all = part(gate, replica);
    all["builds"] = true;
    return all;
  }
  json web_part(bool gate) {
    auto all = part(gate, second_replica);
    all["www"] = web_port;
    all["mq"]["debug"] = true;  // its log has every message
    return all;
  }

  void arrive(const std::function<void(int)>& at = [](int) {}) const { arrive_at(feed_path, at); }

  void stop() {
    for (auto* master : {&west, &east, &web}) master->stop();
  }
  [[nodiscard]] std::size_t tracebacks() const {
    return west.times_in_log("Traceback") + east.times_in_log("Traceback") +
           web.times_in_log("Traceback");
  }

  Cluster cluster;
  Server& replica = cluster.add_replica({.apply_delay = 300ms});
  Server& second_replica = cluster.add_replica({.apply_delay = 300ms});
  Site site{TIDEGATE_COMMAND, TIDEGATE_SOURCE_ROOT};
  std::filesystem::path folder = cluster.directory() / "masters";
  int beacon_port = unused_port();
  int web_port = unused_port();
  std::string primary_url;
  std::filesystem::path feed_path;
  Master west;
  Master east;
  Master web;
};

void kill_peer(const Master& master) {
  const auto peer = master.peer();
  REQUIRE(peer.has_value());
  REQUIRE(::kill(*peer, SIGKILL) == 0);
}

std::string fetch(int port, const std::string& path) {
  Command command;
  command.arguments = {"python3", "-c",
                       "import sys, urllib.request;"
                       "print(urllib.request.urlopen(sys.argv[1], timeout=20).read().decode())",
                       "http://127.0.0.1:" + std::to_string(port) + path};
  return run(command, 30s);
}

}  // namespace

TEST_CASE("of 100 changes each is built once by a master that reads a late replica") {
  Mesh mesh;
  mesh.arrive();
  each_is_built_once(mesh.cluster.primary());
  mesh.stop();
  CHECK(mesh.tracebacks() == 0);
}

TEST_CASE("without the gate changes are lost") {
  Mesh mesh(false);
  mesh.arrive();
  const auto fate = fate_on(mesh.cluster.primary(), 10s);
  CHECK(fate.changes == changes);
  CHECK(fate.built < changes);
  MESSAGE("lost: ", changes - fate.built, " of ", changes);
}

TEST_CASE("a replica that is paused for 20 s delays its master and loses nothing") {
  Mesh mesh;
  mesh.arrive([&](int i) {
    if (i == 20) mesh.replica.execute("SELECT pg_wal_replay_pause()");
  });
  std::this_thread::sleep_for(16s);
  const auto meanwhile = fate_of_changes(mesh.cluster.primary(), "change-");
  CHECK(meanwhile.built < changes);
  mesh.replica.execute("SELECT pg_wal_replay_resume()");
  each_is_built_once(mesh.cluster.primary());
  mesh.stop();
  CHECK(mesh.tracebacks() == 0);
}

TEST_CASE("pages are served and a master ends while the replica that it reads is frozen") {
  Mesh mesh;
  mesh.arrive();
  each_is_built_once(mesh.cluster.primary());
  const auto builds = [&] {
    return json::parse(fetch(mesh.web_port, "/api/v2/builds?field=buildid"))["builds"].size();
  };
  REQUIRE(eventually(10s, [&] { return builds() == changes; }));
  auto processes = children_of(mesh.second_replica.pid());
  processes.push_back(mesh.second_replica.pid());
  const auto signal_all = [&](int signal) {
    for (const auto pid : processes) ::kill(pid, signal);
  };
  signal_all(SIGSTOP);
  CHECK(builds() == changes);
  CHECK(mesh.web.times_in_log("WARNING: the replica does not answer") == 1);
  signal_all(SIGCONT);
  REQUIRE(eventually(60s, [&] {
    return builds() == changes && mesh.web.times_in_log("the replica answers again") == 1;
  }));

  // It ends in the middle of a read.
  signal_all(SIGSTOP);
  std::thread reading([&] {
    try {
      builds();
    } catch (const std::exception&) {
      // It may end before it has answered.
    }
  });
  std::this_thread::sleep_for(1s);
  mesh.stop();
  reading.join();
  CHECK(mesh.tracebacks() == 0);
  signal_all(SIGCONT);
}

TEST_CASE("peers that are killed are started again, and nothing is lost or built twice") {
  Mesh mesh;
  mesh.arrive([&](int i) {
    if (i == 20 || i == 80) kill_peer(mesh.west);
    if (i == 50 || i == 80) kill_peer(mesh.east);
  });
  each_is_built_once(mesh.cluster.primary());
  mesh.stop();
  CHECK(mesh.tracebacks() == 0);
  CHECK(mesh.east.times_in_log("WARNING: the peer has ended") == 2);
}

TEST_CASE("a master that is restarted in the middle goes on where it was") {
  Mesh mesh;
  mesh.arrive([&](int i) {
    if (i == 30) mesh.east.stop();
    if (i == 60) mesh.east.start();
  });
  each_is_built_once(mesh.cluster.primary());
  mesh.stop();
  CHECK(mesh.tracebacks() == 0);
}

TEST_CASE("a service manager that ends the peer with its master loses nothing") {
  Mesh mesh;
  mesh.arrive([&](int i) {
    if (i == 30) {
      const auto peer = mesh.east.peer();
      REQUIRE(peer.has_value());
      REQUIRE(::kill(*peer, SIGTERM) == 0);
      mesh.east.stop();
    }
    if (i == 60) mesh.east.start();
  });
  each_is_built_once(mesh.cluster.primary());
  // Its last words have reached the others.
  CHECK(mesh.web.times_in_log("MSG of another master: ('masters', '2', 'stopped')") == 1);
  mesh.stop();
  CHECK(mesh.tracebacks() == 0);
}

TEST_CASE("a master that is killed loses no change") {
  Mesh mesh;
  mesh.arrive([&](int i) {
    if (i == 30) mesh.east.kill();
    if (i == 60) mesh.east.start();
  });
  const auto fate = fate_on(mesh.cluster.primary());
  CHECK(fate.built == changes);
  // Those on which it worked in that moment may have been in the database already.
  CHECK(fate.twice <= 3);
}

TEST_CASE("masters go on at the promoted replica when the primary is stopped") {
  Mesh mesh(true, true);
  mesh.arrive([&](int i) {
    if (i != 40) return;
    mesh.cluster.primary().stop();
    mesh.replica.promote();
    mesh.second_replica.follow(mesh.replica);
  });
  each_is_built_once(mesh.replica);
}

TEST_CASE("masters that share a peer of their host lose nothing when it is killed") {
  Cluster cluster;
  auto& replica = cluster.add_replica({.apply_delay = 300ms});
  const Site site{TIDEGATE_COMMAND, TIDEGATE_SOURCE_ROOT};
  const auto folder = cluster.directory() / "masters";
  const auto door = "unix:" + (cluster.directory() / "door").string();
  const auto feed = folder / "feed";
  Command command;
  command.arguments = {site.program.string(),
                       "peer",
                       "--state-file",
                       (cluster.directory() / "state").string(),
                       "--door",
                       door,
                       "--database",
                       replica.connection_string(),
                       "--primary",
                       cluster.primary().connection_string()};
  command.input = Stream::pipe;
  command.log = cluster.directory() / "peer.log";
  std::optional<Process> peer(std::in_place, command);
  json part{{"db_url", database_url(cluster.primary())}, {"mq", {{"running_door", door}}}};
  auto west_part = part;
  west_part["feed"] = feed;
  auto east_part = part;
  east_part["builds"] = true;
  east_part["mq"]["database"] = database_url(replica);
  east_part["mq"]["read_router"] = true;
  Master west(site, folder, "west", west_part);
  Master east(site, folder, "east", east_part);
  west.make_tables();
  west.start();
  east.start();
  arrive_at(feed, [&](int i) {
    if (i != 40) return;
    peer->send(SIGKILL);
    REQUIRE(peer->wait(10s).has_value());
    peer.emplace(command);
  });
  each_is_built_once(cluster.primary());
  west.stop();
  east.stop();
  CHECK(west.times_in_log("Traceback") + east.times_in_log("Traceback") == 0);
}

TEST_CASE("a web node on a replica serves pages and events of 100 builds") {
  Mesh mesh;
  Command command;
  const std::string listen =
      "import sys, urllib.request\n"
      "for line in urllib.request.urlopen(sys.argv[1], timeout=60):\n"
      "    print(line.decode().rstrip())";
  command.arguments = {
      "python3", "-u", "-c", listen,
      "http://127.0.0.1:" + std::to_string(mesh.web_port) + "/sse/listen/builds/*/finished"};
  command.output = Stream::pipe;
  Process events(command);
  const auto next_line = [&] { return events.read_line(longest_building).value_or(""); };
  REQUIRE(next_line().starts_with("event: handshake"));
  std::thread arriving([&] { mesh.arrive(); });
  int finished = 0;
  int unseen = 0;
  for (std::string line = "x"; finished < changes && !line.empty();) {
    // An empty line ends an event.
    while ((line = events.read_line(longest_building).value_or("gone")).empty()) {
    }
    if (line == "gone") break;
    if (line.find("\"builds\"") == std::string::npos) continue;
    const auto id = json::parse(line.substr(line.find('{')))["message"]["buildid"].get<int>();
    const auto build = json::parse(fetch(mesh.web_port, "/api/v2/builds/" + std::to_string(id)));
    if (build["builds"].empty() || build["builds"][0]["complete"] != true) ++unseen;
    ++finished;
  }
  arriving.join();
  CHECK(finished == changes);
  CHECK(unseen == 0);
  const auto all = json::parse(fetch(mesh.web_port, "/api/v2/builds?field=buildid"));
  CHECK(all["builds"].size() == changes);
  CHECK(json::parse(fetch(mesh.web_port, "/api/v2/changes?limit=1000"))["changes"].size() ==
        changes);
  mesh.stop();
  CHECK(mesh.tracebacks() == 0);
}
