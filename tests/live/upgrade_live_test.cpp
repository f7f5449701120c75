// A mesh whose peers are replaced one by one, as in an upgrade: some run the program of the
// previous release while others run this one. `./dev upgrade` builds that program and names it in
// TEST_PREVIOUS_TIDEGATE; without it both are this one, and the restarts alone are tested.
#include <array>
#include <csignal>
#include <cstdlib>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "support/cluster.hpp"
#include "support/eventually.hpp"
#include "tests/live/command_mesh.hpp"
#include "tests/live/stomp/hand_written.hpp"
#include "tests/paths.hpp"

using namespace std::chrono_literals;
using namespace std::string_literals;
using namespace tidegate::support;
using namespace tidegate::testing;

namespace {

constexpr int at_each_stage = 20;  // messages of each peer that runs

std::string previous_program() {
  const char* named = std::getenv("TEST_PREVIOUS_TIDEGATE");
  return named != nullptr ? named : TIDEGATE_COMMAND;
}

Process start(const CommandMesh& mesh, const std::string& program, const Arguments& arguments) {
  auto command = mesh.command(arguments);
  command.arguments.front() = program;
  return Process(command);
}

// An application with a state file: what it has heard, over all lives of its peer.
struct Application {
  std::string name;
  std::unique_ptr<Process> peer = nullptr;
  int published = 0;
  std::map<std::string, std::set<int>> heard = {};  // the numbers, by publisher
  std::set<std::string> ids = {};                   // of its publisher, as the others see it
};

class RollingMesh {
 public:
  RollingMesh() {
    cluster_.primary().execute("CREATE TABLE jobs (who text, number int)");
    (void)eventually(command_bound, [&] {
      return replica_.value("SELECT to_regclass('jobs') IS NOT NULL") == "t";
    });
  }

  void start_peer(Application& application, const std::string& program) {
    application.peer = std::make_unique<Process>(
        start(mesh_, program,
              {"peer", "--name", application.name, "--database", replica_.connection_string(),
               "--primary", cluster_.primary().connection_string(), "--state-file",
               mesh_.directory() / application.name, "--from", "earliest"}));
  }

  // Until both directions with each of the others stand. Messages of the first that it has missed
  // may come before the second is ready.
  void meet(Application& application, const std::vector<Application*>& all) {
    for (std::size_t ready = 1; ready < all.size(); ++ready) {
      wait_for(*application.peer, [&](const json& line) {
        if (line["type"] == "delivery") take(application, line, all);
        return line["type"] == "peer_ready";
      });
    }
  }

  // Commits the changes and announces each.
  void publish(Application& application) {
    for (int i = 0; i < at_each_stage; ++i) {
      const auto number = std::to_string(++application.published);
      cluster_.primary().execute("INSERT INTO jobs VALUES ('" + application.name + "', " + number +
                                 ")");
      application.peer->write(R"({"topic":"jobs/)" + application.name + R"(","payload":")" +
                              number + R"(","depends":"commit"})" + "\n");
    }
  }

  // Reads until all that these have published is here; each change is visible by then.
  void hear(Application& reader, const std::vector<Application*>& publishers) {
    for (auto* publisher : publishers) {
      if (publisher == &reader) continue;
      auto& numbers = reader.heard[publisher->name];
      while (static_cast<int>(numbers.size()) < publisher->published) {
        take(reader, wait_for(*reader.peer, "delivery"), publishers);
      }
    }
  }

 private:
  void take(Application& reader, const json& delivery, const std::vector<Application*>& all) {
    const std::string who = delivery["name"];
    const std::string number = delivery["payload"];
    CHECK(replica_.value("SELECT count(*) FROM jobs WHERE who = '" + who +
                         "' AND number = " + number) == "1");
    reader.heard[who].insert(std::stoi(number));
    for (auto* application : all) {
      if (application->name == who) application->ids.insert(delivery["origin"]);
    }
  }

  Cluster cluster_;
  Server& replica_ = cluster_.add_replica({.apply_delay = 100ms});
  CommandMesh mesh_;
};

}  // namespace

TEST_CASE("a mesh that is upgraded one peer after the other loses no message, nor on a way back") {
  RollingMesh mesh;
  std::array<Application, 3> applications = {Application{.name = "a"}, Application{.name = "b"},
                                             Application{.name = "c"}};
  const std::vector<Application*> all = {&applications.at(0), &applications.at(1),
                                         &applications.at(2)};
  for (auto* application : all) mesh.start_peer(*application, previous_program());
  for (auto* application : all) mesh.meet(*application, all);

  const std::string here = TIDEGATE_COMMAND;
  const std::vector<std::pair<Application*, std::string>> steps = {
      {all[0], here}, {all[1], here}, {all[2], here}, {all[0], previous_program()}};
  for (const auto& step : steps) {
    auto* upgraded = step.first;
    std::vector<Application*> others;
    for (auto* application : all) {
      if (application != upgraded) others.push_back(application);
    }
    for (auto* application : all) mesh.publish(*application);
    for (auto* application : others) mesh.hear(*application, all);
    upgraded->peer->send(SIGTERM);
    CHECK(ended(*upgraded->peer) == 0);
    // It is away meanwhile.
    for (auto* application : others) mesh.publish(*application);
    mesh.start_peer(*upgraded, step.second);
    mesh.meet(*upgraded, all);
    mesh.publish(*upgraded);
    for (auto* application : all) mesh.hear(*application, all);
  }
  for (auto& application : applications) {
    CHECK(application.published == 2 * 4 * at_each_stage);
    CHECK(application.ids.size() == 1);  // the same publisher all along
  }
}

TEST_CASE("a subscription to the outbox goes on with the next release, and back with the former") {
  Cluster cluster;
  const auto server = cluster.primary().connection_string();
  const CommandMesh mesh;
  const auto sql = CommandMesh::finish(start(mesh, previous_program(), {"outbox", "--sql"}));
  REQUIRE(sql.status == 0);
  cluster.primary().execute(sql.output);
  for (int i = 1; i <= 9; ++i) {
    cluster.primary().execute("SELECT tidegate.announce('jobs', '" + std::to_string(i) + "')");
  }
  std::string heard;
  for (const auto& program :
       {previous_program(), std::string(TIDEGATE_COMMAND), previous_program()}) {
    const auto ran = CommandMesh::finish(
        start(mesh, program,
              {"sub", "jobs", "--durable", "mails", "--from", "earliest", "--count", "3",
               "--timeout", "20s", "--json", "--database", server}));
    CAPTURE(ran.errors);
    CHECK(ran.status == 0);
    heard += ran.output;
  }
  CAPTURE(heard);
  std::string payloads;
  for (std::size_t at = 0; at < heard.size();) {
    const auto end = heard.find('\n', at);
    const auto line = json::parse(heard.substr(at, end - at));
    if (line["type"] == "delivery") payloads += line["payload"].get<std::string>();
    at = end + 1;
  }
  CHECK(payloads == "123456789");
}

TEST_CASE("a durable subscription of a STOMP client goes on over an upgrade, and over a way back") {
  const CommandMesh mesh;
  const auto door = (mesh.directory() / "door").string();
  auto writer = mesh.start({"peer", "--name", "writer"});
  int published = 0;
  const auto publish = [&] {
    const auto number = std::to_string(++published);
    writer.write(R"({"topic":"jobs","payload":")" + number + "\"}\n");
  };
  std::string heard;
  for (const auto& program :
       {previous_program(), std::string(TIDEGATE_COMMAND), previous_program()}) {
    auto reader = start(mesh, program,
                        {"peer", "--name", "reader", "--door", "unix:" + door, "--state-file",
                         mesh.directory() / "state"});
    wait_for(writer, "peer_ready");
    HandWritten client(door);
    client.connect().write(
        "SUBSCRIBE\nid:1\ndestination:jobs\nack:client\ndurable-subscription-name:mails\n"
        "receipt:s\n\n\0"s);
    CHECK(receipt_of(client.frame()) == "RECEIPT s");
    publish();
    std::string ack;
    for (int last = 0; last < published;) {
      const auto frame = client.frame();
      REQUIRE(frame.command == "MESSAGE");
      heard += frame.body;
      last = std::stoi(frame.body);
      ack = *frame.find("ack");
    }
    client.write("ACK\nid:" + ack + "\nreceipt:a\n\n\0"s);
    CHECK(receipt_of(client.frame()) == "RECEIPT a");
    reader.send(SIGTERM);
    CHECK(ended(reader) == 0);
    publish();  // while nobody hears it
  }
  CHECK(heard == "12345");
}

// Only of two that speak different versions of the protocol.
TEST_CASE("peers of two versions of the protocol say so, and go on with their own kind" *
          doctest::skip(std::getenv("TEST_PREVIOUS_PROTOCOL") == nullptr)) {
  const std::string theirs = std::getenv("TEST_PREVIOUS_PROTOCOL");
  const CommandMesh mesh;
  CommandPair pair(mesh);
  auto old = start(mesh, previous_program(), {"peer", "--name", "old"});
  const auto log = wait_for_log(old, "a peer refused this one: this peer speaks protocol version");
  CHECK(contains(log, "not " + theirs + "; upgrade the older one"));
  CHECK(contains(wait_for_log(pair.a, "refuses this peer, and says: "), "version " + theirs));
  const auto words = mesh.run({"status", "--name", "a"}).output;
  CHECK(
      contains(words, "refuses this peer, and says: this peer speaks protocol version " + theirs));
  CHECK(mesh.run({"status", "--check", "--name", "a"}).status == 4);
  CHECK(contains(mesh.run({"doctor", "--name", "a"}).output, "speaks protocol version " + theirs));
  pair.b.write("{\"topic\":\"x\",\"payload\":\"y\"}\n");
  CHECK(wait_for(pair.a, "delivery")["payload"] == "y");
  old.send(SIGTERM);
  CHECK(ended(old) == 0);
}
