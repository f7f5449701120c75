// Troubles of a running peer, as its operator sees them: in the log, in the JSON lines, in
// `status --check`. And how a peer reads its settings again.
#include <csignal>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/cluster.hpp"
#include "support/eventually.hpp"
#include "tests/live/command_mesh.hpp"
#include "tests/paths.hpp"

using namespace std::chrono_literals;
using namespace tidegate::support;
using namespace tidegate::testing;

namespace {

// The lines of a log up to one that has this part.
std::vector<std::string> log_until(Process& process, const std::string& part) {
  std::vector<std::string> lines;
  while (auto line = process.read_error_line(command_bound)) {
    lines.push_back(*line);
    if (line->find(part) != std::string::npos) return lines;
  }
  FAIL("'" << part << "' was not logged");
  return lines;
}

std::size_t count_of(const std::vector<std::string>& lines, const std::string& part) {
  std::size_t count = 0;
  for (const auto& line : lines) count += line.find(part) != std::string::npos ? 1 : 0;
  return count;
}

}  // namespace

TEST_CASE(
    "a replica that stands still while messages wait is logged once, and once when it goes on") {
  Cluster cluster;
  auto& replica = cluster.add_replica();
  cluster.primary().execute("CREATE TABLE jobs (id int)");
  const CommandMesh mesh;
  auto peer = mesh.start({"peer", "--name", "reader", "--database", replica.connection_string()});
  wait_for(peer, "server_up");
  replica.execute("SELECT pg_wal_replay_pause()");
  for (int i = 0; i < 3; ++i) {
    CHECK(mesh.run({"pub", "jobs", "x", "--primary", cluster.primary().connection_string(),
                    "--after", "INSERT INTO jobs VALUES (1)"})
              .status == 0);
  }
  auto log = log_until(peer, "replays nothing while 3 messages wait");
  CHECK(contains(log.back(), "warning"));
  const auto begun = wait_for(peer, "trouble");
  CHECK(begun["kind"] == "replay_still");
  CHECK(begun["ended"] == false);

  const auto check = mesh.run({"status", "--check"});
  CHECK(check.status == 4);
  CHECK(contains(check.output, "replay_still: for "));
  const auto words = mesh.run({"status"}).output;
  CHECK(contains(words, "database  standby"));
  CHECK(contains(words, "since the oldest change that is not shown was announced"));
  const auto status = json::parse(mesh.run({"status", "--json"}).output);
  CHECK(status["troubles"][0]["kind"] == "replay_still");
  CHECK(status["lag_ms"] > 3000);
  CHECK(status["database"]["up"] == true);

  replica.execute("SELECT pg_wal_replay_resume()");
  log = log_until(peer, "over after");
  CHECK(count_of(log, "replays nothing") == 1);
  const auto over = wait_for(peer, "trouble");
  CHECK(over["ended"] == true);
  CHECK(over["lasted_ms"] > 3000);
  const auto well = mesh.run({"status", "--check"});
  CHECK(well.status == 0);
  CHECK(contains(well.output, "reader has no trouble"));
}

TEST_CASE("an outage of the database is two lines, whatever its reasons") {
  Cluster cluster;
  const CommandMesh mesh;
  auto peer =
      mesh.start({"peer", "--name", "reader", "--database", cluster.primary().connection_string()});
  wait_for_log(peer, "the database answers");
  cluster.primary().stop();
  auto log = log_until(peer, "the database does not answer");
  CHECK(mesh.run({"status", "--check"}).status == 4);
  cluster.primary().start();
  for (int i = 0; i < 2; ++i) {  // of the database, and of the primary that it is
    for (auto& line : log_until(peer, "over after")) log.push_back(std::move(line));
  }
  CHECK(count_of(log, "warning") == 2);
  CHECK(count_of(log, "the database does not answer") == 2);
}

TEST_CASE("an application that does not take its deliveries is logged while it does not") {
  const CommandMesh mesh;
  auto reader =
      mesh.start({"peer", "--name", "reader", "--inbox-bytes", "20kB", "--payload-bytes", "1kB"});
  auto writer = mesh.start({"peer", "--name", "writer"});
  wait_for(reader, "peer_ready");
  wait_for(writer, "peer_ready");
  for (int i = 0; i < 4000; ++i) {
    writer.write("{\"topic\":\"x\",\"payload\":\"" + std::string(500, ' ') + "\"}\n");
  }
  log_until(reader, "the application takes no deliveries");
  for (int i = 0; i < 4000; ++i) wait_for(reader, "delivery");
  CHECK(contains(wait_for_log(reader, "over after"), "the application takes no deliveries"));
}

TEST_CASE("two peers of one name are told apart by their addresses") {
  const CommandMesh mesh;
  auto a = mesh.start({"peer", "--name", "twin", "--socket", mesh.directory() / "a.sock"});
  wait_for_log(a, "in mesh");
  auto b = mesh.start({"peer", "--name", "twin", "--socket", mesh.directory() / "b.sock"});
  CHECK(contains(wait_for_log(a, "is ready"), "twin (127.0.0.1:"));
  CHECK(contains(wait_for_log(a, "two peers have one name"), "and this peer"));
}

TEST_CASE("SIGHUP takes on the level of the log and names those that need a restart") {
  const CommandMesh mesh;
  const std::string file = mesh.directory() / "t.toml";
  std::ofstream(file) << "name = \"reloaded\"\n";
  auto peer = mesh.start({"peer", "--config", file});
  wait_for_log(peer, "reloaded in mesh");
  std::ofstream(file) << "name = \"other\"\nlog-level = \"debug\"\n";
  peer.send(SIGHUP);
  wait_for_log(peer, "log-level has changed");
  wait_for_log(peer, "only a restart takes them on: name");
  wait_for_log(peer, "send to all: heartbeat of");  // what debug shows
  std::ofstream(file) << "name = = 3\n";
  peer.send(SIGHUP);
  wait_for_log(peer, "t.toml:1");
  wait_for_log(peer, "nothing was changed");
  CHECK(peer.running());
  peer.send(SIGTERM);
  CHECK(ended(peer) == 0);
}

TEST_CASE("--log-level debug shows frames, questions and why a message leaves") {
  Cluster cluster;
  const CommandMesh mesh;
  const auto server = cluster.primary().connection_string();
  auto peer =
      mesh.start({"peer", "--name", "traced", "--log-level", "debug", "--database", server});
  wait_for_log(peer, "the database shows");
  const std::vector<std::string> publish{
      "pub", "x", "y", "--join", "--primary", server, "--after", "SELECT pg_current_xact_id()"};
  CHECK(mesh.run(publish).status == 0);
  wait_for_log(peer, "hello of tidegate pub");
  wait_for_log(peer, "got data 1 of");
  wait_for_log(peer, "deliver 1 of tidegate pub");
}

TEST_CASE("a full disk is not a reader that is gone") {
  const CommandMesh mesh;
  for (const auto* words : {"peers --wait 200ms", "status", "peer"}) {
    auto command = mesh.command({"peer", "--name", "there"});
    Process peer(command);
    wait_for_log(peer, "in mesh");
    auto full = mesh.command({});
    full.arguments = {"sh", "-c",
                      std::string(TIDEGATE_COMMAND) + " " + words +
                          " --name there >/dev/full; echo status $? >&2"};
    if (std::string(words) == "peer") {
      full.arguments[2] = std::string(TIDEGATE_COMMAND) +
                          " peer --name other >/dev/full; "
                          "echo status $? >&2";
    }
    Process shell(full);
    CHECK(contains(wait_for_log(shell, "standard output can't be written"), "No space left"));
    CHECK(wait_for_log(shell, "status ") == "status 1");
  }
}

TEST_CASE("a pattern in another system's syntax gets a hint and counts as it stands") {
  const CommandMesh mesh;
  const auto ran = mesh.run({"sub", "builds/+/new", "--timeout", "10ms"});
  CHECK(ran.status == 0);
  CHECK(contains(ran.errors, "did you mean 'builds/*/new'?"));
}

TEST_CASE("a group may ask for the status of a peer") {
  if (geteuid() != 0) {
    MESSAGE("skipped: giving a socket to a group takes root");
    return;
  }
  const CommandMesh mesh;
  auto peer = mesh.start({"peer", "--name", "shared", "--socket-group", "daemon"});
  wait_for_log(peer, "in mesh");
  struct stat directory {};
  REQUIRE(stat(mesh.sockets().c_str(), &directory) == 0);
  CHECK((directory.st_mode & 0777U) == 0750);
  for (const auto& entry : std::filesystem::directory_iterator(mesh.sockets())) {
    struct stat socket {};
    REQUIRE(stat(entry.path().c_str(), &socket) == 0);
    const bool publishes = entry.path().extension() == ".pub";  // which is nobody else's business
    CHECK((socket.st_mode & 0777U) == (publishes ? 0600 : 0660));
    CHECK(socket.st_gid == (publishes ? getegid() : directory.st_gid));
  }
  const auto wrong = mesh.run({"peer", "--name", "b", "--socket-group", "no-such-group"});
  CHECK(wrong.status == 1);
  CHECK(contains(wrong.errors, "there is no group no-such-group"));
}

TEST_CASE("the doctor dials seeds and asks the peer that runs here") {
  const CommandMesh mesh;
  auto peer = mesh.start({"peer", "--name", "here"});
  wait_for_log(peer, "in mesh");
  const auto ran = mesh.run({"doctor", "--seeds", "127.0.0.1:1", "--json"});
  const auto findings = json::parse(ran.output)["findings"];
  std::string text;
  for (const auto& finding : findings) text += finding.dump() + "\n";
  CHECK(contains(text, "seed 127.0.0.1:1"));
  CHECK(contains(text, "Connection refused"));
  CHECK(contains(text, "peer here"));
  const auto bad = mesh.run({"doctor", "--seeds", "nowhere", "--state-file", "/nonexistent/s"});
  CHECK(bad.status == 1);
  CHECK(contains(bad.output, "seeds"));
  CHECK(contains(bad.output, "the directory /nonexistent"));
}
