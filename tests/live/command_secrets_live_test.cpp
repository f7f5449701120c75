// Passwords and keys go in by every way that an operator tries, and come out nowhere: not in an
// error, a log, a status, a finding of the doctor, nor in the title of the process.
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
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

// Right and wrong ones, each with a password that has "hush" in it.
const std::vector<std::string> forms = {
    "host=127.0.0.1 port=1 password=hush",
    "host=127.0.0.1 port=1 password='hu hush' sslpassword=hush",
    "host=127.0.0.1 password=a hush",
    "password=a hush=1",
    "password='hush",
    "host=a pw = a hush",
    "PASSWORD hush",
    "me:hush@127.0.0.1/db",
    "postgresql:/me:hush@127.0.0.1/db",
    "postgressql://me:hush@127.0.0.1/db",
    "mysql://me:hush@127.0.0.1/db?x=1",
    "Postgresql://me:hush@127.0.0.1:1/db",
    "jdbc:postgresql://127.0.0.1:1/db?user=me&password=hush",
    "postgresql://me:hush@127.0.0.1:1,127.0.0.1:2/db",
    "postgresql://me:hush%zz@127.0.0.1:1/db",
    "postgresql://me:hu@hush@127.0.0.1/db",
    "postgresql://me:a/hush@a/db",
    "postgresql://me:a@127.0.0.1:1,me:hush@127.0.0.1:2/db",
    "postgresql://me:hush",
    "postgresql://me:127.0.0.1:hush/db",
    "postgresql://127.0.0.1:1/db?password=a&hush",
    "postgresql://me:hush @127.0.0.1/db",
    "postgresql://me:hush@[::1/db",
    "dbname=postgresql://me:hush@127.0.0.1:1/db",
    "dbname='host=127.0.0.1 port=1 password=hush'",
    "host=127.0.0.1,me:hush@127.0.0.1 port=1",
    "host=127.0.0.1 port=hush",
};

void check_silent(const Ran& ran) {
  CHECK(lacks(ran.output, "hush"));
  CHECK(lacks(ran.errors, "hush"));
}

std::string title_of(const Process& process) {
  std::ifstream file("/proc/" + std::to_string(process.pid()) + "/cmdline");
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

TEST_CASE("no error quotes a password, however wrong the connection string is") {
  const CommandMesh mesh;
  for (const auto& form : forms) {
    CAPTURE(form);
    check_silent(mesh.run({"peer", "--check", "--database", form}));
    check_silent(mesh.run({"doctor", "--interfaces", "lo", "--primary=" + form}));
    check_silent(mesh.run({"outbox", "--check", "--database", form}));
    check_silent(mesh.run({"pub", "a", "b", "--allow-none", "--wait", "1ms", "--join", "--primary",
                           form, "--after", "SELECT 1"}));
  }
}

TEST_CASE("a password or a key in the wrong place of a command line is not quoted") {
  const CommandMesh mesh;
  const std::string key = "tidegate-key-1:hushhushhushhushhushhushhushhushhushhushhushhush";
  for (const auto& word : {std::string("postgresql://me:hush@a/db"), std::string("me:hush@a"), key,
                           std::string("password = hush")}) {
    CAPTURE(word);
    for (const auto& arguments :
         {Arguments{"peer", "--databse", word}, Arguments{word, "peer"}, Arguments{"peer", word},
          Arguments{"peer", "--seeds", word}, Arguments{"peer", "--check", "--log-level", word}}) {
      const auto ran = mesh.run(arguments);
      CHECK(ran.status != 0);
      check_silent(ran);
    }
  }
  const auto misread = mesh.run({"peer", "--key-file", key});
  check_silent(misread);
  CHECK(contains(misread.errors, "has a key in it, not the name of a file"));
  const auto file = (mesh.directory() / "settings.toml").string();
  for (const auto* text : {"primary = postgresql://me:hush@a/\n", "primary = \"password=hush\n"}) {
    std::ofstream(file) << text;
    check_silent(mesh.run({"peer", "--config", file}));
  }
}

TEST_CASE("a running peer shows its password neither in its title nor in log and status") {
  const CommandMesh mesh;
  auto peer = mesh.start({"peer", "--name", "a", "--database",
                          "postgresql://me:hush@127.0.0.1:1/db?sslpassword=hush",
                          "--primary=host=127.0.0.1 port=1 password='hu hush'"});
  const auto warned = wait_for_log(peer, "--database");
  CHECK(contains(warned, "every user of this host can read it"));
  for (int down = 0; down < 2; ++down) {  // in either order
    const auto server = wait_for(peer, [](const json& line) {
      return line["type"] == "server_down" || line["type"] == "primary_down";
    });
    CHECK(lacks(server.dump(), "hush"));
  }
  const auto title = title_of(peer);
  CHECK(contains(title, "--primary="));
  CHECK(contains(title, "****"));
  CHECK(lacks(title, "hush"));
  check_silent(mesh.run({"status", "--name", "a"}));
  check_silent(mesh.run({"status", "--name", "a", "--json"}));
  peer.send(SIGTERM);
  CHECK(ended(peer) == 0);
  while (const auto line = peer.read_error_line(1s)) CHECK(lacks(*line, "hush"));
}

TEST_CASE("a file of settings with a password that others can read is told, one of one's own not") {
  const CommandMesh mesh;
  const auto file = mesh.directory() / "settings.toml";
  std::ofstream(file) << "database = \"host=127.0.0.1 port=1 password=hush\"\n";
  std::filesystem::permissions(file, std::filesystem::perms(0644));
  const auto open = mesh.run({"peer", "--check", "--config", file.string()});
  CHECK(contains(open.errors, "others may read " + file.string()));
  std::filesystem::permissions(file, std::filesystem::perms(0600));
  CHECK(mesh.run({"peer", "--check", "--config", file.string()}).errors == "");
}

TEST_CASE("the role that role-sql makes can do all that a peer does, and reads no table") {
  Cluster cluster;
  auto& primary = cluster.primary();
  const CommandMesh mesh;
  // Nothing that everybody has.
  primary.execute("REVOKE ALL ON DATABASE postgres FROM PUBLIC");
  primary.execute("REVOKE ALL ON SCHEMA public FROM PUBLIC");
  primary.execute("CREATE TABLE jobs (id int)");
  const auto made = mesh.run({"role-sql"});
  CHECK(made.status == 0);
  primary.execute(made.output);
  primary.execute(made.output);
  primary.execute("ALTER ROLE tidegate PASSWORD 'hush'");
  auto& replica = cluster.add_replica();
  for (auto* server : {&primary, &replica}) {
    const auto rules = server->data_directory() / "pg_hba.conf";
    run({.arguments = {"sed", "-i", "1i local postgres tidegate scram-sha-256", rules}}, 5s);
    server->append_config("\n");
  }
  const auto as_role = [](const Server& server) {
    return server.connection_string("user=tidegate password=hush");
  };
  const Arguments servers = {"--database", as_role(replica), "--primary", as_role(primary)};
  CHECK_THROWS(primary.connect("user=tidegate password=hush").value("SELECT count(*) FROM jobs"));

  auto arguments = Arguments{"peer", "--name", "app"};
  arguments.insert(arguments.end(), servers.begin(), servers.end());
  auto app = mesh.start(arguments);
  for (int up = 0; up < 2; ++up) {  // in either order
    const auto server = wait_for(app, [](const json& line) {
      return line["type"] == "server_up" || line["type"] == "primary_up";
    });
    CHECK(server["degraded"] == "");
  }
  arguments[2] = "other";
  auto other = mesh.start(arguments);
  wait_for(app, "peer_ready");
  wait_for(other, "peer_ready");
  // Left unflushed, so that the peer has to make it durable.
  primary.execute("SET synchronous_commit = off; INSERT INTO jobs VALUES (1)");
  app.write("{\"topic\":\"jobs/1\",\"depends\":\"commit\",\"id\":1}\n");
  CHECK(wait_for(app, "sent")["position"].is_object());
  CHECK(wait_for(other, "delivery")["position"].is_object());
  CHECK(replica.value("SELECT count(*) FROM jobs") == "1");

  arguments = {"doctor", "--json"};
  arguments.insert(arguments.end(), servers.begin(), servers.end());
  const auto report = json::parse(mesh.run(arguments).output);
  for (const auto& finding : report["findings"]) {
    if (finding["about"] == "database" || finding["about"] == "primary") {
      CHECK(finding["verdict"] == "ok");
    }
  }
  // A later timeline takes replication commands to be known with its promotion.
  replica.promote();
  const auto late = mesh.start({"peer", "--name", "late", "--database", as_role(replica)});
  REQUIRE(eventually(command_bound, [&] {
    const auto ran = mesh.run({"status", "--json", "--name", "late"});
    const auto tide = ran.status == 0 ? json::parse(ran.output)["tide"] : json();
    return tide.is_object() && tide["history"].size() == 2 && tide["history"][1]["promoted"] > 0;
  }));
}

TEST_CASE("role-sql refuses a name that would need quotes") {
  const CommandMesh mesh;
  CHECK(contains(mesh.run({"role-sql", "--role", "peers", "--without-replication"}).output,
                 "ALTER ROLE \"peers\" LOGIN NOREPLICATION"));
  CHECK(mesh.run({"role-sql", "--role", "x'; DROP"}).status == 2);
}
