// The examples in Python and for the shell, and the one of the outbox, as their users run them, on
// a real primary and a replica. Its replay is paused while a change is announced: without the gate
// a reader would look before the change is there.
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <string>

#include <doctest/doctest.h>

#include "peer/servers/postgres/outbox_schema.hpp"
#include "support/cluster.hpp"
#include "support/eventually.hpp"
#include "support/port.hpp"
#include "tests/live/command_mesh.hpp"
#include "tests/paths.hpp"
#include "tidegate/token.hpp"

using namespace std::chrono_literals;
using namespace tidegate;
using namespace tidegate::support;
using namespace tidegate::testing;

namespace {

constexpr auto moment = 300ms;

std::string source(const std::string& path) {
  return std::string(TIDEGATE_SOURCE_ROOT) + "/" + path;
}

void wait_for_all(Process& peer, std::set<std::string> types) {
  wait_for(peer, [&](const json& line) {
    types.erase(line["type"]);
    return types.empty();
  });
}

// A primary, a replica, and a peer beside each, "writer" and "reader", with a TCP door.
struct Site {
  Site()
      : replica(cluster.add_replica()),
        writer_door(std::to_string(unused_port())),
        reader_door(std::to_string(unused_port())),
        writer(mesh.start({"peer", "--name", "writer", "--database", primary(), "--door",
                           "tcp:127.0.0.1:" + writer_door, "--socket",
                           (mesh.sockets() / "writer").string()})),
        reader(mesh.start({"peer", "--name", "reader", "--database", replica.connection_string(),
                           "--door", "tcp:127.0.0.1:" + reader_door, "--subscribe", "schema/#"})) {
    wait_for_all(writer, {"peer_ready", "primary_up"});
    wait_for_all(reader, {"peer_ready", "server_up"});
  }

  [[nodiscard]] std::string primary() { return cluster.primary().connection_string(); }

  // An example finds `tidegate` by PATH, as where it is installed.
  [[nodiscard]] Process start(const Arguments& arguments,
                              const std::map<std::string, std::string>& environment = {}) const {
    auto command = mesh.command({});
    command.arguments = arguments;
    command.environment.insert(environment.begin(), environment.end());
    const auto* path = std::getenv("PATH");
    command.environment["PATH"] =
        std::filesystem::path(TIDEGATE_COMMAND).parent_path().string() + ":" + path;
    return Process(command);
  }
  [[nodiscard]] Ran run(const Arguments& arguments) const {
    return CommandMesh::finish(start(arguments));
  }
  [[nodiscard]] Ran announce(const std::string& name) {
    return run(
        {"/usr/bin/python3", source("examples/python/announce.py"), primary(), writer_door, name});
  }
  [[nodiscard]] Process react() const {
    return start({"/usr/bin/python3", source("examples/python/react.py"),
                  replica.connection_string(), reader_door});
  }
  void pause() const { replica.execute("SELECT pg_wal_replay_pause()"); }
  void resume() const { replica.execute("SELECT pg_wal_replay_resume()"); }

  Cluster cluster;
  Server& replica;
  CommandMesh mesh;
  std::string writer_door;
  std::string reader_door;
  Process writer;
  Process reader;
};

void next_line(Process& process, const std::string& wanted) {
  const auto line = process.read_line(command_bound);
  REQUIRE(line.has_value());
  CHECK(*line == wanted);
}

// A browser sends the cookie that came last, and gets a page.
struct Browser {
  std::string request(const Site& site, const std::string& body = "") {
    Arguments arguments = {"/usr/bin/python3", source("tests/live/examples/http_request.py"), url,
                           cookie};
    if (!body.empty()) arguments.push_back(body);
    const auto ran = site.run(arguments);
    CHECK(ran.errors == "");
    const auto end = ran.output.find('\n');
    REQUIRE(end != std::string::npos);
    cookie = ran.output.substr(0, end);
    return ran.output.substr(end + 1);
  }

  std::string url;
  std::string cookie;
};

// That of a change on a timeline that was left before it was made.
std::string orphaned(const std::string& token) {
  auto position = *parse_token(token);
  position.branch =
      Branch(ServerKind::postgres, position.cluster(), *History::of({{1, 0, 0}, {2, 0x100, 1000}}));
  position.after = 0x200;
  return to_token(position);
}

}  // namespace

TEST_CASE("the Python examples commit, announce, and read on a replica that is behind") {
  Site site;
  site.cluster.primary().execute("CREATE TABLE builds (id serial PRIMARY KEY, name text)");
  auto react = site.react();
  next_line(react, "ready for builds");
  site.pause();
  const auto announced = site.announce("linux");
  CHECK(announced.errors == "");
  CHECK(announced.output == "announced build 1\n");
  // Everybody has the message, and the replica does not have the row.
  CHECK_FALSE(react.read_line(moment).has_value());
  CHECK(site.replica.value("SELECT count(*) FROM builds") == "0");
  site.resume();
  next_line(react, "build 1 is linux");
  CHECK(site.announce("it's; DROP TABLE builds").status == 0);
  next_line(react, "build 2 is it's; DROP TABLE builds");
  react.send(SIGTERM);
  CHECK(ended(react) == 0);
}

TEST_CASE("the Python examples say so when their peer is not there, or leaves") {
  Site site;
  site.cluster.primary().execute("CREATE TABLE builds (id serial PRIMARY KEY, name text)");
  auto react = site.react();
  next_line(react, "ready for builds");
  site.reader.send(SIGTERM);
  const auto ran = CommandMesh::finish(std::move(react));
  CHECK(ran.status == 1);
  CHECK(contains(ran.errors, "the peer leaves"));
  site.writer.send(SIGKILL);
  CHECK(site.announce("nobody hears it").status != 0);
  CHECK(site.cluster.primary().value("SELECT count(*) FROM builds") == "0");
}

TEST_CASE("the web example reads a user's own note, on the primary while the replica is behind") {
  Site site;
  site.cluster.primary().execute("CREATE TABLE notes (note text)");
  const auto port = std::to_string(unused_port());
  auto web = site.start({"/usr/bin/python3", source("examples/python/web.py"), site.primary(),
                         site.replica.connection_string(), port});
  wait_for_log(web, "the primary answers");
  Browser user{"http://127.0.0.1:" + port + "/", ""};
  Browser other = user;
  CHECK(other.request(site) == "replica: []\n");
  site.pause();
  CHECK(user.request(site, "hello") == "noted\n");
  CHECK(contains(user.cookie, "seen=tide1."));
  CHECK(user.request(site) == "primary: [('hello',)]\n");
  CHECK(other.request(site) == "replica: []\n");
  site.resume();
  CHECK(eventually(command_bound, [&] { return user.request(site) == "replica: [('hello',)]\n"; }));
  CHECK(contains(user.cookie, "seen=tide1."));
  auto unlucky = user;
  unlucky.cookie = "seen=" + orphaned(user.cookie.substr(5));
  CHECK(unlucky.request(site) == "a failover has undone your note\nreplica: [('hello',)]\n");
  unlucky.cookie = "seen=made-up";
  CHECK(unlucky.request(site) == "primary: [('hello',)]\n");
  web.send(SIGTERM);
  CHECK(ended(web) == 0);
}

TEST_CASE("the shell example waits until every replica shows the new schema") {
  Site site;
  const auto file = (site.mesh.directory() / "change.sql").string();
  const auto migrate = [&](const std::string& version, const std::string& sql,
                           const std::string& timeout) {
    std::ofstream(file) << sql;
    // The socket is named, since here the peers of two hosts share one.
    return CommandMesh::finish(
        site.start({source("examples/shell/migrate.sh"), site.primary(), version, file, timeout},
                   {{"TIDEGATE_SOCKET", (site.mesh.sockets() / "writer").string()}}));
  };
  site.pause();
  const auto behind = migrate("1", "CREATE TABLE first ();", "300ms");
  CHECK(behind.status == 5);
  CHECK(contains(behind.output, "reader"));
  CHECK(contains(behind.errors, "some replica is behind"));
  site.resume();
  const auto done = migrate("2", "CREATE TABLE second ();", "20s");
  CHECK(done.errors == "");
  CHECK(done.status == 0);
  CHECK(contains(done.output, "version 2 is everywhere"));
  CHECK(site.replica.value("SELECT to_regclass('second') IS NOT NULL") == "t");
  CHECK(wait_for(site.reader, "delivery")["topic"] == json{"schema", "1"});
  CHECK(wait_for(site.reader, "delivery")["topic"] == json{"schema", "2"});

  const auto wrong = migrate("3", "CREATE TABLE third (); CREATE TABLE second ();", "20s");
  CHECK(wrong.status == 3);
  CHECK(contains(wrong.errors, "already exists"));
  CHECK(site.cluster.primary().value("SELECT to_regclass('third') IS NULL") == "t");
}

TEST_CASE("the outbox example welcomes each user once, on a replica that is behind too") {
  Cluster cluster;
  auto& primary = cluster.primary();
  auto& replica = cluster.add_replica();
  primary.execute(postgres::outbox_schema({}));
  primary.execute("CREATE TABLE users (name text)");
  const CommandMesh mesh;
  const auto run = [&](const Arguments& users) {
    auto command = mesh.command({});
    command.arguments = {TIDEGATE_OUTBOX_EXAMPLE, primary.connection_string(),
                         replica.connection_string(), (mesh.directory() / "cursor").string()};
    command.arguments.insert(command.arguments.end(), users.begin(), users.end());
    return CommandMesh::finish(Process(command));
  };
  const auto first = run({"anne", "bert"});
  CHECK(first.errors == "");
  CHECK(first.output == "welcome, anne\nwelcome, bert\n");
  CHECK(first.status == 0);
  replica.execute("SELECT pg_wal_replay_pause()");
  CHECK(run({"carl"}).output == "");
  replica.execute("SELECT pg_wal_replay_resume()");
  CHECK(run({}).output == "welcome, carl\n");
  // Rows that nobody could read are told.
  primary.execute("SELECT tidegate.announce('users/new', 'dora')");
  primary.execute(
      "DELETE FROM tidegate.outbox; UPDATE tidegate.outbox_removed SET before = "
      "pg_snapshot_xmin(pg_current_snapshot())");
  const auto lost = run({"emil"});
  CHECK(lost.output == "welcome, emil\n");
  CHECK(contains(lost.errors, "are removed: look at all users"));
}
