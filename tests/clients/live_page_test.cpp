// The live page of a peer in headless Chromium, on real servers: what happens is to be seen soon,
// and what others write never becomes part of the page.
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "support/cluster.hpp"
#include "support/eventually.hpp"
#include "support/port.hpp"
#include "support/temporary_directory.hpp"
#include "tests/live/command_mesh.hpp"
#include "tests/paths.hpp"

using namespace std::chrono_literals;
using namespace tidegate;
using namespace tidegate::support;
using namespace tidegate::testing;

namespace {

// Where pictures for the documents are wanted.
const char* wanted_folder() { return std::getenv("TIDEGATE_PICTURES"); }

// Of which a browser would make an element, in a page that trusts names.
const std::string hostile =
    wanted_folder() == nullptr ? "<img src=x onerror=alert(1)>" : "worker-3";

class Browser {
 public:
  Browser(std::uint16_t port, const std::string& pictures)
      : process_(started("http://127.0.0.1:" + std::to_string(port) + "/", pictures)) {
    CHECK(line() == "open");
  }
  ~Browser() {
    process_.close_input();
    CHECK(ended(process_) == 0);
  }
  Browser(const Browser&) = delete;
  Browser& operator=(const Browser&) = delete;

  std::string answer(const std::string& order) {
    process_.write(order + "\n");
    return line();
  }
  // By then at the latest.
  void shows(const std::string& text, Duration bound = command_bound) {
    CAPTURE(text);
    const auto start = std::chrono::steady_clock::now();
    CHECK(answer("wait " + text) == "shown");
    const auto taken = std::chrono::steady_clock::now() - start;
    CAPTURE(std::chrono::duration_cast<std::chrono::milliseconds>(taken).count());
    CHECK(taken < bound);
  }

 private:
  static Process started(const std::string& url, const std::string& pictures) {
    Command command;
    command.arguments = {"node", TIDEGATE_SOURCE_ROOT "/tests/clients/live_page.js", url, pictures};
    command.input = Stream::pipe;
    command.output = Stream::pipe;
    command.errors = Stream::merge;
    return Process(command);
  }
  std::string line() {
    const auto next = process_.read_line(2 * command_bound);
    REQUIRE(next.has_value());
    return *next;
  }

  Process process_;
};

std::string picture_folder(const TemporaryDirectory& scratch) {
  const auto* wanted = wanted_folder();
  return wanted == nullptr ? scratch.path().string() : wanted;
}

void take_pictures(Browser& browser, const std::string& name) {
  CHECK(browser.answer("picture " + name + "-wide 1280 900 light") == "taken");
  CHECK(browser.answer("picture " + name + "-dark 1280 900 dark") == "taken");
  CHECK(browser.answer("picture " + name + "-phone 390 844 light") == "taken");
}

}  // namespace

TEST_CASE("the live page shows within two seconds that a replica is paused, and that it goes on") {
  Cluster cluster;
  auto& primary = cluster.primary();
  auto& replica = cluster.add_replica();
  primary.execute("CREATE TABLE builds (id serial)");
  const CommandMesh mesh;
  const TemporaryDirectory scratch("pictures");
  const auto port = unused_port();
  auto watched = mesh.start({"peer", "--name", "web-1", "--database", replica.connection_string(),
                             "--primary", primary.connection_string(), "--subscribe", "#", "--http",
                             "127.0.0.1:" + std::to_string(port)});
  std::vector<Process> others;
  for (const std::string name :
       {"web-2", "build-master", "worker-1", "worker-2", hostile.c_str()}) {
    others.push_back(mesh.start(
        {"peer", "--name", name, "--primary", primary.connection_string(), "--no-subscribe"}));
    wait_for(watched, "peer_ready");
  }
  wait_for(others.front(), "primary_up");
  const auto publish = [&](const std::string& topic) {
    primary.execute("INSERT INTO builds DEFAULT VALUES");
    others.front().write("{\"topic\":\"" + topic +
                         "\",\"payload\":\"x\",\"depends\":\"commit\"}\n");
  };

  Browser browser(port, picture_folder(scratch));
  browser.shows("web-1");
  browser.shows("shows all");
  browser.shows("5 of 5 other peers ready");
  for (int i = 0; i < 20; ++i) publish("builds/" + std::to_string(i) + "/new");
  browser.shows("builds/19/new");
  publish(hostile);
  browser.shows(hostile);
  CHECK(browser.answer("markup img") == "0");
  take_pictures(browser, "well");

  replica.execute("SELECT pg_wal_replay_pause()");
  for (int i = 0; i < 7; ++i) publish("held/" + std::to_string(i));
  browser.shows("holds 7", 2s);
  browser.shows("stands still", 2s);
  CHECK(browser.answer("never held/6") == "never shown");
  browser.shows("One trouble");
  browser.shows("pg_is_wal_replay_paused");
  others[2].send(SIGSTOP);
  browser.shows("silent");
  take_pictures(browser, "paused");
  others[2].send(SIGCONT);

  replica.execute("SELECT pg_wal_replay_resume()");
  browser.shows("holds nothing", 2s);
  browser.shows("held/6", 2s);
  browser.shows("All is well");

  watched.send(SIGTERM);
  CHECK(ended(watched) == 0);
  browser.shows("no connection; trying again");
}
