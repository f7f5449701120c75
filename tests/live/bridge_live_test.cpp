// `tidegate bridge` as its users run it: a process that brings the rows of an outbox to peers that
// read no server, and is killed, replaced and failed over like everything else.
#include <algorithm>
#include <chrono>
#include <csignal>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include "lib/base/random.hpp"
#include "support/cluster.hpp"
#include "support/eventually.hpp"
#include "tests/live/command_mesh.hpp"
#include "tests/live/mesh.hpp"
#include "tests/live/outbox_lives.hpp"
#include "tests/live/outbox_site.hpp"
#include "tests/live/rows.hpp"

using namespace tidegate;
using namespace tidegate::support;
using namespace tidegate::testing;
using namespace std::chrono_literals;

namespace {

// A mesh with one receiver that reads no server.
struct BridgedSite : OutboxSite {
  explicit BridgedSite(const ClusterOptions& servers = {}) : OutboxSite(servers) {}

  [[nodiscard]] Process bridge(const std::string& servers, const std::string& name = "bridge",
                               const Arguments& more = {}) const {
    Arguments arguments = {"bridge", "--primary", servers, "--name", name, "--from", "earliest"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    auto command = mesh.command(arguments);
    command.output = command.errors = Stream::null;
    command.log = log(name);
    return Process(command);
  }
  [[nodiscard]] Process bridge() { return bridge(primary.connection_string()); }
  [[nodiscard]] std::filesystem::path log(const std::string& name) const {
    return directory.path() / (name + ".log");
  }
  [[nodiscard]] std::string log_text(const std::string& name = "bridge") const {
    std::ifstream file(log(name));
    return {std::istreambuf_iterator<char>(file), {}};
  }

  // All that the receiver has got until this payload came, and losses by the names of their lines.
  Names heard_until(const std::string& last) {
    Names names;
    wait_for(receiver, [&](const json& line) {
      const auto type = line["type"].get<std::string>();
      if (type == "delivery") names.push_back(line["payload"]);
      if (type == "undelivered" || type == "not_resumed") names.push_back(type);
      return type == "delivery" && line["payload"] == last;
    });
    return names;
  }
  // That the bridge has to publish, or to hear of that they were received.
  int rows_left() {
    const auto ran =
        mesh.run({"outbox", "status", "--json", "--primary", primary.connection_string()});
    const auto cursors = json::parse(ran.output)["cursors"];
    CHECK(cursors.back()["name"] == "(bridge)");
    return cursors.back()["rows"];
  }
  void await_ready() {
    wait_for(receiver, [](const json& line) { return line["type"] == "peer_ready"; });
  }

  CommandMesh mesh;
  Process receiver = mesh.start({"peer", "--name", "receiver"});
};

}  // namespace

TEST_CASE("a bridge brings announcements with their positions to a peer that reads no server") {
  BridgedSite site;
  site.primary.execute("SELECT tidegate.announce('a/b', '{\"id\":1}', '{\"kind\":\"new\"}')");
  const auto bridge = site.bridge();
  const auto line = wait_for(site.receiver, "delivery");
  CHECK(line["topic"] == json({"a", "b"}));
  CHECK(line["payload"] == "{\"id\":1}");
  CHECK(line["name"] == "bridge");
  CHECK(line["headers"]["kind"] == "new");
  const auto row = site.primary.query("SELECT transaction, id, position FROM tidegate.bridged")[0];
  CHECK(line["headers"]["outbox-row"] == row[0] + "/" + row[1]);
  CHECK(line["token"] == row[2]);
  CHECK(line["sequence"] == 1);
  site.announce("second");
  CHECK(site.heard_until("second") == Names{"second"});
  CHECK(site.rows_left() == 0);
}

TEST_CASE("announcements are published once each, whenever bridges and the primary are killed" *
          long_test) {
  BridgedSite site;
  site.primary.execute("CREATE TABLE t (name text PRIMARY KEY)");
  Writer writer("w", site.primary.connection_string(), (site.directory.path() / "w").string(),
                false);
  const auto start = [&](int i) {
    return std::make_unique<Process>(
        site.bridge(site.primary.connection_string(), "bridge" + std::to_string(i)));
  };
  std::vector<std::unique_ptr<Process>> bridges;
  bridges.push_back(start(0));
  site.await_ready();
  bridges.push_back(start(1));
  writer.begin();
  base::Random random{11};
  constexpr int kills = 50;
  std::map<std::string, int> heard;
  int others = 0;
  const auto hear = [&](Duration bound) {
    while (const auto text = site.receiver.read_line(bound)) {
      const auto line = json::parse(*text);
      if (line["type"] == "delivery") ++heard[line["payload"]];
      others += int{line["type"] == "undelivered"} + int{line["type"] == "not_resumed"};
    }
  };
  for (int i = 0; i < kills; ++i) {
    std::this_thread::sleep_for(random.between(0ms, 400ms));
    const auto one = random.below(2);
    bridges[one] = nullptr;
    bridges[one] = start(static_cast<int>(one));
    if (i % 10 == 9) {
      site.primary.crash();
      site.primary.start();
    }
    hear(Duration::zero());
  }
  writer.kill();
  site.announce("last");
  CHECK(eventually(60s, [&] {
    hear(100ms);
    return heard.contains("last");
  }));
  hear(500ms);
  std::map<std::string, int> wanted;
  for (const auto& row :
       site.primary.query("SELECT convert_from(payload, 'UTF8') FROM tidegate.outbox")) {
    wanted[row[0]] = 1;
  }
  CHECK(heard == wanted);
  CHECK(others == 0);
  MESSAGE(wanted.size(), " rows, ", kills, " kills");
}

TEST_CASE("a bridge that was down goes on behind what it has published") {
  BridgedSite site;
  auto bridge = std::make_unique<Process>(site.bridge());
  site.announce("one");
  CHECK(site.heard_until("one") == Names{"one"});
  CHECK(bridge->terminate(5s).status == 0);
  site.announce("two");
  site.announce("three");
  bridge = std::make_unique<Process>(site.bridge());
  CHECK(site.heard_until("three") == Names{"two", "three"});
}

TEST_CASE("while the primary is away the bridge stays in the mesh, and goes on when it is back") {
  BridgedSite site;
  const auto bridge = site.bridge();
  site.announce("one");
  CHECK(site.heard_until("one") == Names{"one"});
  site.primary.restart();
  site.announce("two");
  bool left = false;
  const auto line = wait_for(site.receiver, [&](const json& it) {
    left = left || it["type"] == "peer_gone";
    return it["type"] == "delivery";
  });
  CHECK(line["payload"] == "two");
  CHECK(line["sequence"] == 2);
  CHECK_FALSE(left);
}

TEST_CASE("behind a promotion a bridge goes on with the announcements that have survived") {
  BridgedSite site;
  auto& standby = site.cluster.add_replica();
  const auto bridge = site.bridge(either(site.primary, standby));
  site.announce("one");
  CHECK(site.heard_until("one") == Names{"one"});
  // The standby knows that it was received: else it comes again.
  REQUIRE(eventually(20s, [&] { return site.rows_left() == 0; }));
  site.settle(standby);
  standby.stop();
  site.announce("undone");
  CHECK(site.heard_until("undone") == Names{"undone"});
  site.primary.crash();
  standby.start();
  standby.promote();
  standby.execute("SELECT tidegate.announce('t', 'two')");
  standby.execute("SELECT tidegate.announce('t', 'three')");
  CHECK(site.heard_until("three") == Names{"two", "three"});
  CHECK(site.log_text().find("the bridge goes on") != std::string::npos);
}

TEST_CASE("a bridge that was down during a promotion repeats only what nobody had received") {
  BridgedSite site;
  auto& standby = site.cluster.add_replica();
  auto bridge = std::make_unique<Process>(site.bridge(either(site.primary, standby)));
  site.announce("one");
  CHECK(site.heard_until("one") == Names{"one"});
  CHECK(eventually(
      20s, [&] { return site.primary.value("SELECT received FROM tidegate.bridge") == "1"; }));
  site.settle(standby);
  bridge = nullptr;
  site.primary.crash();
  standby.promote();
  standby.execute("SELECT tidegate.announce('t', 'two')");
  bridge = std::make_unique<Process>(site.bridge(either(site.primary, standby)));
  CHECK(site.heard_until("two") == Names{"two"});
  CHECK(site.log_text().find("a new stream") != std::string::npos);
}

TEST_CASE("rows that were removed while no bridge was there are told by a message") {
  BridgedSite site;
  auto bridge = std::make_unique<Process>(site.bridge());
  site.announce("one");
  CHECK(site.heard_until("one") == Names{"one"});
  bridge = nullptr;
  site.announce("removed");
  REQUIRE(eventually(20s, [&] {
    site.primary.execute("SELECT tidegate.remove_announced('0', NULL, 1000)");
    return site.primary.value("SELECT count(*) FROM tidegate.outbox") == "0";
  }));
  CHECK(site.primary.value("SELECT count(*) FROM tidegate.bridged") == "0");
  site.announce("two");
  bridge = std::make_unique<Process>(site.bridge());
  const auto lost = wait_for(site.receiver, "delivery");
  CHECK(lost["topic"] == json({"tidegate", "outbox", "lost"}));
  CHECK(json::parse(lost["payload"].get<std::string>())["why"] == "removed");
  CHECK(site.heard_until("two") == Names{"two"});
}

TEST_CASE("a bridge that has no outbox, no right or no server says so and waits") {
  BridgedSite site;
  site.primary.execute("CREATE ROLE nobody LOGIN");
  const auto bridge = site.bridge(site.primary.connection_string("user=nobody"));
  CHECK(eventually(20s, [&] {
    return site.log_text().find("permission denied for schema tidegate") != std::string::npos;
  }));
  site.primary.execute(postgres::outbox_schema({{}, {}, {"nobody"}}));
  site.announce("one");
  CHECK(site.heard_until("one") == Names{"one"});
  const auto ran = site.mesh.run({"bridge"});
  CHECK(ran.status == 2);
  CHECK(contains(ran.errors, "give it with --primary"));
}
