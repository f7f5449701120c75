// Lines on standard input: none that was written is lost when the peer ends, they may choose what
// is delivered, and the writer may have its own messages.
#include <csignal>
#include <set>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "support/cluster.hpp"
#include "support/eventually.hpp"
#include "tests/live/command_mesh.hpp"

using namespace std::chrono_literals;
using namespace tidegate::support;
using namespace tidegate::testing;

namespace {

std::string lines(int count, const std::string& members = "") {
  std::string text;
  for (int i = 0; i < count; ++i) {
    text += "{\"topic\":\"x\",\"payload\":\"" + std::to_string(i) +
            "\",\"id\":" + std::to_string(i) + members + "}\n";
  }
  return text;
}

// All that the process has printed until its end.
std::vector<json> rest_of(Process& process) {
  std::vector<json> all;
  while (const auto line = process.read_line(command_bound)) all.push_back(json::parse(*line));
  return all;
}

int count_of(const std::vector<json>& lines, const std::string& type) {
  int count = 0;
  for (const auto& line : lines) count += line["type"] == type ? 1 : 0;
  return count;
}

// The next `count` deliveries have the payloads from 0 on.
void expect_all(Process& process, int count) {
  for (int i = 0; i < count; ++i) {
    REQUIRE(wait_for(process, "delivery")["payload"] == std::to_string(i));
  }
}

}  // namespace

TEST_CASE("300 lines that are followed at once by SIGTERM all arrive and are all answered") {
  const CommandMesh mesh;
  CommandPair pair(mesh);
  pair.a.write(lines(300));
  pair.a.send(SIGTERM);
  expect_all(pair.b, 300);
  CHECK(count_of(rest_of(pair.a), "sent") == 300);
  CHECK(ended(pair.a) == 0);
}

TEST_CASE("lines that are written before anybody was met, and the end, all arrive") {
  const CommandMesh mesh;
  auto reader = mesh.start({"peer", "--name", "reader"});
  wait_for_log(reader, "in mesh");
  const auto ran = mesh.run({"peer", "--name", "writer"}, lines(50));
  CHECK(ran.status == 0);
  expect_all(reader, 50);
}

TEST_CASE("lines to a peer that meets nobody are sent in the end, and it leaves") {
  const CommandMesh mesh;
  const auto ran = mesh.run({"peer"}, lines(3) + "nonsense\n");
  CHECK(ran.status == 0);
  CHECK(contains(ran.output, "not JSON"));
  CHECK(contains(ran.output, "\"type\":\"sent\""));
}

TEST_CASE("lines whose position does not come before the end are all answered as unpublished") {
  Cluster cluster;
  auto& primary = cluster.primary();
  const CommandMesh mesh;
  auto reader = mesh.start({"peer", "--name", "reader"});
  auto writer =
      mesh.start({"peer", "--name", "writer", "--primary", primary.connection_string(),
                  "--leave-timeout", "1s", "--unsent-bytes", "20kB", "--payload-bytes", "1kB"});
  wait_for(reader, "peer_ready");
  wait_for(writer, "primary_up");
  primary.stop();
  wait_for(writer, "primary_down");
  // Some may stay unsent; the others are still lines, in the peer or in the pipe.
  writer.write(lines(300, ",\"depends\":\"commit\""));
  SUBCASE("by SIGTERM") { writer.send(SIGTERM); }
  SUBCASE("by the end of the input") { writer.close_input(); }
  const auto answers = rest_of(writer);
  std::set<int> answered;
  for (const auto& answer : answers) {
    if (answer.contains("id")) answered.insert(answer["id"].get<int>());
  }
  CHECK(answered.size() == 300);
  CHECK(count_of(answers, "unpublished") + count_of(answers, "error") == 300);
  CHECK(count_of(answers, "unpublished") > 0);
  CHECK(ended(writer) == 0);
}

TEST_CASE("a peer with /dev/null for its input goes on") {
  const CommandMesh mesh;
  auto command = mesh.command({"peer", "--name", "service"});
  command.input = Stream::null;
  Process service(command);
  auto writer = mesh.start({"peer", "--name", "writer"});
  wait_for(service, "peer_ready");
  wait_for(writer, "peer_ready");
  writer.write("{\"topic\":\"x\"}\n");
  CHECK(wait_for(service, "delivery")["topic"] == json{"x"});
  CHECK(service.running());
}

TEST_CASE("lines choose what is delivered while the peer runs") {
  const CommandMesh mesh;
  auto reader = mesh.start({"peer", "--name", "reader", "--no-subscribe"});
  auto writer = mesh.start({"peer", "--name", "writer"});
  wait_for(reader, "peer_ready");
  wait_for(writer, "peer_ready");
  reader.write("{\"subscribe\":\"builds/*/new\"}\n{\"subscribe\":\"a/#/b\"}\n");
  CHECK(wait_for(reader, "subscribed")["pattern"] == "builds/*/new");
  CHECK(wait_for(reader, "error")["line"] == 2);
  writer.write("{\"topic\":\"jobs\"}\n{\"topic\":\"builds/1/new\"}\n");
  CHECK(wait_for(reader, "delivery")["topic"] == json{"builds", "1", "new"});
  reader.write("{\"unsubscribe\":\"builds/*/new\"}\n{\"subscribe\":\"jobs\"}\n");
  CHECK(wait_for(reader, "unsubscribed")["pattern"] == "builds/*/new");
  wait_for(reader, "subscribed");
  writer.write("{\"topic\":\"builds/2/new\"}\n{\"topic\":\"jobs\"}\n");
  CHECK(wait_for(reader, "delivery")["topic"] == json{"jobs"});
}

TEST_CASE("a program gets its own messages where that is wanted, gated if it wishes") {
  Cluster cluster;
  auto& primary = cluster.primary();
  auto& replica = cluster.add_replica();
  const CommandMesh mesh;
  std::string own;
  SUBCASE("at once") { own = "at-once"; }
  SUBCASE("gated") { own = "gated"; }
  auto peer = mesh.start({"peer", "--own-messages", own, "--primary", primary.connection_string(),
                          "--database", replica.connection_string()});
  wait_for(peer, "primary_up");
  replica.execute("SELECT pg_wal_replay_pause()");
  primary.execute("CREATE TABLE changes (id int)");
  peer.write("{\"topic\":\"x\",\"depends\":\"commit\",\"id\":1}\n");
  wait_for(peer, "sent");
  if (own == "gated") {
    CHECK(eventually(command_bound, [&] {
      return json::parse(mesh.run({"status", "--json"}).output)["held"] == 1;
    }));
    replica.execute("SELECT pg_wal_replay_resume()");
  }
  const auto delivery = wait_for(peer, "delivery");
  CHECK(delivery["sequence"] == 1);
  CHECK(!delivery["position"].is_null());
}
