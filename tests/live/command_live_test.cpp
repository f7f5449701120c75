// The `tidegate` command as its users run it: processes, pipes, signals, files. Each test has a
// mesh name, a beacon port and a place for sockets of its own.
#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "tests/support/cluster.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/port.hpp"
#include "tests/support/process.hpp"
#include "tests/support/temporary_directory.hpp"

using namespace std::chrono_literals;
using nlohmann::json;
using tidegate::Duration;
using namespace tidegate::testing;

namespace {

constexpr Duration bound = 20s;
using Arguments = std::vector<std::string>;

// What a finished command has printed.
struct Ran {
  int status = -1;
  std::string output;
  std::string errors;
};

class Mesh {
 public:
  Mesh() : directory_("command"), beacon_port_(unused_port()) {
    std::filesystem::create_directory(sockets());
  }

  [[nodiscard]] std::filesystem::path sockets() const { return directory_.path() / "run"; }
  [[nodiscard]] const std::filesystem::path& directory() const { return directory_.path(); }

  // The settings come from the environment, so that the command lines are those of a user.
  [[nodiscard]] Command command(const Arguments& arguments) const {
    Command command;
    command.arguments = {TIDEGATE_COMMAND};
    command.arguments.insert(command.arguments.end(), arguments.begin(), arguments.end());
    command.environment = {{"RUNTIME_DIRECTORY", sockets().string()},
                           {"TIDEGATE_MESH", "command-" + std::to_string(beacon_port_)},
                           {"TIDEGATE_BEACON_PORT", std::to_string(beacon_port_)}};
    command.input = Stream::pipe;
    command.output = Stream::pipe;
    command.errors = Stream::pipe;
    return command;
  }

  [[nodiscard]] Process start(const Arguments& arguments) const {
    return Process(command(arguments));
  }

  [[nodiscard]] Ran run(const Arguments& arguments, const std::string& input = "") const {
    return finish(start(arguments), input);
  }

  static Ran finish(Process process, const std::string& input = "") {
    if (!input.empty()) process.write(input);
    process.close_input();
    Ran ran;
    while (const auto line = process.read_line(bound)) ran.output += *line + "\n";
    while (const auto line = process.read_error_line(bound)) ran.errors += *line + "\n";
    const auto exit = process.wait(bound);
    if (exit) ran.status = exit->status;
    return ran;
  }

 private:
  TemporaryDirectory directory_;
  std::uint16_t beacon_port_;
};

// The next JSON line for which the predicate holds; the others are skipped.
json wait_for(Process& process, const std::function<bool(const json&)>& wanted) {
  std::string seen;
  while (const auto line = process.read_line(bound)) {
    auto parsed = json::parse(*line);
    if (wanted(parsed)) return parsed;
    seen += *line + "\n";
  }
  FAIL("the line did not come; seen: " << seen);
  return {};
}

json wait_for(Process& process, const std::string& type) {
  return wait_for(process, [&](const json& line) { return line["type"] == type; });
}

std::string wait_for_log(Process& process, const std::string& part) {
  std::string seen;
  while (const auto line = process.read_error_line(bound)) {
    if (line->find(part) != std::string::npos) return *line;
    seen += *line + "\n";
  }
  FAIL("'" << part << "' was not logged; seen: " << seen);
  return {};
}

bool contains(const std::string& text, const std::string& part) {
  CAPTURE(text);
  CAPTURE(part);
  return text.find(part) != std::string::npos;
}

// Two peers that have met.
struct Pair {
  explicit Pair(const Mesh& mesh, const Arguments& more = {})
      : a(start(mesh, "a", more)), b(start(mesh, "b", more)) {
    wait_for(a, "peer_ready");
    wait_for(b, "peer_ready");
  }

  static Process start(const Mesh& mesh, const std::string& name, const Arguments& more) {
    Arguments arguments = {"peer", "--name", name};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return mesh.start(arguments);
  }

  Process a;
  Process b;
};

int ended(Process& process) {
  const auto exit = process.wait(bound);
  REQUIRE(exit.has_value());
  return exit->status;
}

}  // namespace

TEST_CASE("a peer without any option runs on this host and says what it found") {
  const Mesh mesh;
  auto peer = mesh.start({"peer"});
  CHECK(contains(wait_for_log(peer, "in mesh command-"), " on lo, ports "));
  CHECK(contains(wait_for_log(peer, "no database given"), "delivered at once"));
  peer.send(SIGTERM);
  CHECK(ended(peer) == 0);
  CHECK(std::filesystem::is_empty(mesh.sockets()));
}

TEST_CASE("two peers exchange messages over standard input and output") {
  const Mesh mesh;
  Pair pair(mesh);
  pair.a.write(R"({"topic":"builds/42/new","payload":"hello"})"
               "\n"
               R"({"topic":["a/b"],"payload_base64":"/wD+"})"
               "\n");
  const auto first = wait_for(pair.b, "delivery");
  CHECK(first["topic"] == json{"builds", "42", "new"});
  CHECK(first["payload"] == "hello");
  CHECK(first["name"] == "a");
  CHECK(first["sequence"] == 1);
  const auto second = wait_for(pair.b, "delivery");
  CHECK(second["topic"] == json{"a/b"});
  CHECK(second["payload_base64"] == "/wD+");
  CHECK(second["position"].is_null());

  pair.b.write("{\"topic\":\"back\"}");
  pair.b.close_input();  // a last line without its line break counts
  CHECK(wait_for(pair.a, "delivery")["topic"] == json{"back"});
}

TEST_CASE("a line that can't be published is answered with its number, and the next one counts") {
  const Mesh mesh;
  Pair pair(mesh);
  pair.a.write("\nnonsense\n{\"topic\":\"x\",\"tag\":\"after_commit\"}\n{\"topic\":\"good\"}\n");
  const auto nonsense = wait_for(pair.a, "error");
  CHECK(nonsense["line"] == 2);
  CHECK(contains(nonsense["message"], "not JSON"));
  const auto untagged = wait_for(pair.a, "error");
  CHECK(untagged["line"] == 3);
  CHECK(contains(untagged["message"], "--primary"));
  CHECK(wait_for(pair.b, "delivery")["topic"] == json{"good"});
}

TEST_CASE("a payload over the limit is refused with the limit") {
  const Mesh mesh;
  auto peer = mesh.start({"peer", "--payload-bytes", "10B"});
  peer.write("{\"topic\":\"x\",\"payload\":\"12345678901\"}\n");
  CHECK(contains(wait_for(peer, "error")["message"], "payload-bytes"));
  peer.write("{\"topic\":\"x\",\"payload\":\"" + std::string(100000, 'x') + "\"}\n");
  CHECK(contains(wait_for(peer, "error")["message"], "longer than any message"));
}

TEST_CASE("a peer delivers only what was subscribed") {
  const Mesh mesh;
  auto a = mesh.start({"peer", "--subscribe", "builds/*/new", "--subscribe", "jobs/#"});
  auto b = mesh.start({"peer"});
  wait_for(a, "peer_ready");
  wait_for(b, "peer_ready");
  b.write("{\"topic\":\"builds/1/old\"}\n{\"topic\":\"builds/1/new\"}\n{\"topic\":\"jobs\"}\n");
  CHECK(wait_for(a, "delivery")["topic"] == json{"builds", "1", "new"});
  CHECK(wait_for(a, "delivery")["topic"] == json{"jobs"});
}

TEST_CASE("the end of standard input is not the end of a peer") {
  const Mesh mesh;
  Pair pair(mesh);
  pair.a.close_input();
  pair.b.write("{\"topic\":\"x\"}\n");
  CHECK(wait_for(pair.a, "delivery")["topic"] == json{"x"});
  CHECK(pair.a.running());
}

TEST_CASE("a peer that gets SIGTERM leaves politely, and the other is told so") {
  const Mesh mesh;
  Pair pair(mesh);
  pair.a.write("{\"topic\":\"last\"}\n");
  CHECK(wait_for(pair.b, "delivery")["topic"] == json{"last"});
  pair.a.send(SIGTERM);
  const auto gone = wait_for(pair.b, "peer_gone");
  CHECK(gone["name"] == "a");
  CHECK(gone["why"] == "left");
  CHECK(ended(pair.a) == 0);
  pair.b.send(SIGINT);
  CHECK(ended(pair.b) == 0);
}

TEST_CASE("a peer whose output nobody reads any more leaves with a message") {
  const Mesh mesh;
  auto command = mesh.command({"peer"});
  command.arguments.insert(command.arguments.begin(),
                           {"sh", "-c", "{ \"$0\" \"$@\"; echo status $? >&2; } | true"});
  command.input = Stream::null;
  Process shell(command);
  wait_for_log(shell, "nobody reads standard output any more");
  CHECK(wait_for_log(shell, "status ") == "status 1");
  CHECK(std::filesystem::is_empty(mesh.sockets()));
}

TEST_CASE("everything that is wrong with the settings is told at once") {
  const Mesh mesh;
  std::ofstream(mesh.directory() / "t.toml") << "held_bytes = \"1GiB\"\nheartbeat = 5\n";
  auto command =
      mesh.command({"peer", "--config", (mesh.directory() / "t.toml").string(), "--databse", "x",
                    "--first-port", "no", "--subscribe", "a/#/b", "stray"});
  command.environment["TIDEGATE_OUTBOX_BYTES"] = "big";
  const auto ran = Mesh::finish(Process(command));
  CHECK(ran.status == 2);
  CHECK(ran.output.empty());
  for (const auto* part :
       {"t.toml:1: held_bytes: settings in a file are written with '-'", "t.toml:2: heartbeat",
        "--databse: there is no such flag; did you mean --database?", "--first-port: 'no'",
        "--subscribe: 'a/#/b'", "stray", "TIDEGATE_OUTBOX_BYTES: 'big'"}) {
    CHECK(contains(ran.errors, part));
  }
}

TEST_CASE("a flag without its value, an unknown command and no command are wrong usage") {
  const Mesh mesh;
  const auto lacking = mesh.run({"peer", "--mesh"});
  CHECK(lacking.status == 2);
  CHECK(contains(lacking.errors, "--mesh"));
  const auto unknown = mesh.run({"statsu"});
  CHECK(unknown.status == 2);
  CHECK(contains(unknown.errors, "did you mean status?"));
  CHECK(mesh.run({}).status == 2);
  CHECK(mesh.run({"pub"}).status == 2);
  CHECK(mesh.run({"sub", "--count", "none"}).status == 2);
  CHECK(mesh.run({"peer", "--config", "/nonexistent.toml"}).status == 2);
}

TEST_CASE("a start that is refused says why") {
  const Mesh mesh;
  const auto ran = mesh.run({"peer", "--interfaces", "nosuch0"});
  CHECK(ran.status == 1);
  CHECK(contains(ran.errors, "nosuch0"));
}

TEST_CASE("help shows examples for every command, and the exit statuses") {
  const Mesh mesh;
  const auto help = mesh.run({"--help"});
  CHECK(help.status == 0);
  CHECK(contains(help.output, "Exit status"));
  for (const auto* command : {"peer", "pub", "sub", "peers", "status", "doctor"}) {
    CHECK(contains(help.output, command));
    const auto own = mesh.run({command, "--help"});
    CHECK(own.status == 0);
    CHECK(contains(own.output, std::string("  tidegate ") + command));
    CHECK(contains(own.output, "Exit status"));
  }
  CHECK(contains(mesh.run({"--version"}).output, "tidegate "));
}

TEST_CASE("settings from a file that the environment names are used") {
  const Mesh mesh;
  std::ofstream(mesh.directory() / "t.toml") << "name = \"from-the-file\"\n";
  auto command = mesh.command({"peer"});
  command.environment["TIDEGATE_CONFIG"] = (mesh.directory() / "t.toml").string();
  Process peer(command);
  wait_for_log(peer, "from-the-file in mesh");
}

TEST_CASE("the status of the one peer of this host needs no name") {
  const Mesh mesh;
  auto peer = mesh.start({"peer", "--name", "only"});
  wait_for_log(peer, "in mesh");
  const auto words = mesh.run({"status"});
  CHECK(words.status == 0);
  CHECK(contains(words.output, "only in mesh command-"));
  const auto status = json::parse(mesh.run({"status", "--json"}).output);
  CHECK(status["name"] == "only");
  CHECK(status["gated"] == false);
  CHECK(status["counters"]["published"] == 0);
}

TEST_CASE("several peers of this host are offered to choose from") {
  const Mesh mesh;
  Pair pair(mesh);
  const auto choice = mesh.run({"status"});
  CHECK(choice.status == 2);
  CHECK(contains(choice.errors, "choose one with --name"));
  CHECK(contains(choice.errors, "-a.sock"));
  CHECK(contains(choice.errors, "-b.sock"));
  const auto b = json::parse(mesh.run({"status", "--json", "--name", "b"}).output);
  CHECK(b["name"] == "b");
  REQUIRE(b["peers"].size() == 1);
  CHECK(b["peers"][0]["name"] == "a");
  CHECK(b["peers"][0]["state"] == "ready");
  CHECK(mesh.run({"status", "--mesh", "another"}).status == 3);
}

TEST_CASE("a peer with a socket of its own choice is asked there") {
  const Mesh mesh;
  const std::string path = mesh.directory() / "own.sock";
  auto peer = mesh.start({"peer", "--socket", path, "--name", "own"});
  wait_for_log(peer, "in mesh");
  CHECK(json::parse(mesh.run({"status", "--json", "--socket", path}).output)["name"] == "own");
  const auto second = mesh.run({"peer", "--socket", path});
  CHECK(second.status == 1);
  CHECK(contains(second.errors, "another peer answers"));
}

TEST_CASE("a status is watched without a terminal, until the peer ends") {
  const Mesh mesh;
  auto peer = mesh.start({"peer", "--name", "watched"});
  wait_for_log(peer, "in mesh");
  auto watch = mesh.start({"status", "--watch", "--json"});
  for (int i = 0; i < 2; ++i) {
    const auto line = watch.read_line(bound);
    REQUIRE(line.has_value());
    CHECK(json::parse(*line)["name"] == "watched");
  }
  auto blocks = mesh.start({"status", "--watch"});
  CHECK(blocks.read_line(bound).has_value());
  CHECK(contains(blocks.read_line(bound).value_or(""), "watched in mesh"));
  blocks.send(SIGINT);
  CHECK(ended(blocks) == 0);

  peer.send(SIGTERM);
  CHECK(ended(peer) == 0);
  CHECK(ended(watch) == 1);
}

TEST_CASE("what a killed peer has left behind does not look like a peer") {
  const Mesh mesh;
  auto peer = mesh.start({"peer", "--name", "victim"});
  wait_for_log(peer, "in mesh");
  peer.send(SIGKILL);
  (void)ended(peer);
  CHECK_FALSE(std::filesystem::is_empty(mesh.sockets()));
  const auto ran = mesh.run({"status"});
  CHECK(ran.status == 3);
  CHECK(contains(ran.errors, mesh.sockets().string()));
  CHECK(std::filesystem::is_empty(mesh.sockets()));
}

TEST_CASE("the peers are told by a peer of this host, or by looking around") {
  const Mesh mesh;
  Pair pair(mesh);
  const auto asked = json::parse(mesh.run({"peers", "--json", "--name", "a"}).output);
  CHECK(asked["asked"] == "a");
  REQUIRE(asked["peers"].size() == 1);
  CHECK(asked["peers"][0]["name"] == "b");
  CHECK(contains(mesh.run({"peers", "--name", "a"}).output, "this peer"));

  // Elsewhere there is no socket to ask.
  auto command = mesh.command({"peers", "--json"});
  command.environment["RUNTIME_DIRECTORY"] = (mesh.directory() / "elsewhere").string();
  const auto met = json::parse(Mesh::finish(Process(command)).output);
  CHECK(met["asked"].is_null());
  std::vector<std::string> names;
  for (const auto& peer : met["peers"]) names.push_back(peer["name"]);
  std::sort(names.begin(), names.end());
  CHECK(names == std::vector<std::string>{"a", "b"});
}

TEST_CASE("where there is no peer, peers and pub say so") {
  const Mesh mesh;
  const auto peers = mesh.run({"peers", "--wait", "200ms"});
  CHECK(peers.status == 3);
  CHECK(contains(peers.errors, "within 200ms"));
  const auto pub = mesh.run({"pub", "topic", "text", "--wait", "200ms"});
  CHECK(pub.status == 3);
  CHECK(contains(pub.errors, "nothing was published"));
  CHECK(mesh.run({"pub", "topic", "text", "--wait", "200ms", "--allow-none"}).status == 0);
}

TEST_CASE("pub publishes to all who are there") {
  const Mesh mesh;
  Pair pair(mesh);
  const auto ran = mesh.run({"pub", "builds/1/new", "hello", "--json"});
  CHECK(ran.status == 0);
  CHECK(json::parse(ran.output)["peers"] == 2);
  for (auto* peer : {&pair.a, &pair.b}) {
    const auto delivery = wait_for(*peer, "delivery");
    CHECK(delivery["topic"] == json{"builds", "1", "new"});
    CHECK(delivery["payload"] == "hello");
    CHECK(wait_for(*peer, "peer_gone")["why"] == "left");
  }
  CHECK(mesh.run({"pub", "piped"}, "from standard input").status == 0);
  CHECK(wait_for(pair.a, "delivery")["payload"] == "from standard input");
  CHECK(mesh.run({"pub", "empty", ""}).status == 0);
  CHECK(wait_for(pair.a, "delivery")["payload"] == "");

  const auto few = mesh.run({"pub", "x", "y", "--peers", "3", "--wait", "500ms"});
  CHECK(few.status == 3);
  CHECK(contains(few.errors, "only 2 of 3 peers"));
}

TEST_CASE("sub prints what matches, and counts") {
  const Mesh mesh;
  auto sub = mesh.start({"sub", "builds/#", "--count", "2", "--timeout", "20s"});
  CHECK(mesh.run({"pub", "jobs/1", "no"}).status == 0);
  CHECK(mesh.run({"pub", "builds/1", "one"}).status == 0);
  CHECK(mesh.run({"pub", "builds/2", "two"}).status == 0);
  const auto ran = Mesh::finish(std::move(sub));
  CHECK(ran.status == 0);
  CHECK(contains(ran.output, "builds/1  one  (tidegate pub ("));
  CHECK(contains(ran.output, "builds/2  two"));
  CHECK_FALSE(contains(ran.output, "jobs"));

  const auto late = mesh.run({"sub", "--count", "1", "--timeout", "100ms"});
  CHECK(late.status == 3);
  CHECK(contains(late.errors, "0 of 1 deliveries came within 100ms"));
  CHECK(mesh.run({"sub", "--timeout", "100ms"}).status == 0);
}

TEST_CASE("pub announces a change that sub gets once its replica shows it") {
  Cluster cluster;
  auto& replica = cluster.add_replica({.apply_delay = 300ms});
  cluster.primary().execute("CREATE TABLE jobs (id int PRIMARY KEY)");
  const Mesh mesh;
  auto sub = mesh.start({"sub", "--json", "--count", "1", "--database", replica.connection_string(),
                         "--timeout", "20s"});
  const auto pub =
      mesh.run({"pub", "jobs/7/new", "7", "--primary", cluster.primary().connection_string(),
                "--after", "INSERT INTO jobs VALUES (7)", "--json", "--wait", "10s"});
  CHECK(pub.status == 0);
  CHECK(pub.errors == "");
  const auto line = sub.read_line(bound);
  REQUIRE(line.has_value());
  CHECK(replica.value("SELECT count(*) FROM jobs") == "1");
  const auto delivery = json::parse(*line);
  CHECK(delivery["position"] == json::parse(pub.output)["position"]);
  CHECK(delivery["held_ms"] > 0);
  CHECK(ended(sub) == 0);
}

TEST_CASE("a change that fails is rolled back and not announced") {
  Cluster cluster;
  auto& primary = cluster.primary();
  primary.execute("CREATE TABLE jobs (id int PRIMARY KEY)");
  const Mesh mesh;
  auto peer = mesh.start({"peer"});
  const auto pub = [&](const std::string& sql, const Arguments& more = {}) {
    Arguments arguments = {"pub",     "x", "y", "--primary", primary.connection_string(),
                           "--after", sql};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return mesh.run(arguments);
  };
  const auto failed = pub("INSERT INTO jobs VALUES (1); INSERT INTO jobs VALUES (1)");
  CHECK(failed.status == 1);
  CHECK(contains(failed.errors, "rolled back"));
  CHECK(contains(failed.errors, "duplicate key"));
  CHECK(contains(failed.errors, "nothing was announced"));
  CHECK(primary.value("SELECT count(*) FROM jobs") == "0");

  CHECK(contains(pub("COPY jobs FROM STDIN").errors, "COPY"));
  CHECK(contains(pub("COMMIT").errors, "have ended the transaction themselves"));

  // Nobody there: not even committed.
  const Mesh empty;
  const auto alone =
      empty.run({"pub", "x", "y", "--wait", "100ms", "--primary", primary.connection_string(),
                 "--after", "INSERT INTO jobs VALUES (2)"});
  CHECK(alone.status == 3);
  CHECK(contains(alone.errors, "nothing was committed or published"));
  CHECK(primary.value("SELECT count(*) FROM jobs") == "0");

  const auto homeless = mesh.run({"pub", "x", "y", "--after", "SELECT 1"});
  CHECK(homeless.status == 2);
  CHECK(contains(homeless.errors, "--primary"));

  // The only message that came is the one whose change was made.
  CHECK(pub("INSERT INTO jobs VALUES (3)").status == 0);
  CHECK(wait_for(peer, "delivery")["sequence"] == 1);
  CHECK(primary.value("SELECT count(*) FROM jobs") == "1");
}

TEST_CASE("pub --after-commit and a peer's tags announce what another session has committed") {
  Cluster cluster;
  auto& primary = cluster.primary();
  const Mesh mesh;
  auto receiver = mesh.start({"peer", "--name", "receiver"});
  auto publisher = mesh.start({"peer", "--primary", primary.connection_string()});
  wait_for(receiver, "peer_ready");
  primary.execute("CREATE TABLE jobs ()");
  CHECK(mesh.run({"pub", "x", "y", "--primary", primary.connection_string(), "--after-commit"})
            .status == 0);
  CHECK_FALSE(wait_for(receiver, "delivery")["position"].is_null());
  publisher.write("{\"topic\":\"a\",\"tag\":\"after_durable_commit\"}\n");
  const auto position = wait_for(receiver, "delivery")["position"];
  CHECK(position["timeline"] == 1);
  CHECK(position["system"] == primary.value("SELECT system_identifier FROM pg_control_system()"));

  publisher.write("{\"topic\":\"b\",\"tag\":" + position.dump() + "}\n");
  CHECK(wait_for(receiver, "delivery")["position"] == position);
}

TEST_CASE("while the outbox is full, standard input is not read and nothing is lost") {
  Cluster cluster;
  auto& primary = cluster.primary();
  const Mesh mesh;
  auto receiver = mesh.start({"peer", "--name", "receiver"});
  auto publisher =
      mesh.start({"peer", "--name", "publisher", "--primary", primary.connection_string(),
                  "--outbox-bytes", "2kB", "--payload-bytes", "1kB"});
  wait_for(receiver, "peer_ready");
  wait_for(publisher, "primary_up");
  primary.stop();
  wait_for(publisher, "primary_down");
  constexpr int count = 100;
  for (int i = 0; i < count; ++i) {
    publisher.write("{\"topic\":\"x\",\"payload\":\"" + std::to_string(i) + std::string(500, ' ') +
                    "\",\"tag\":\"after_commit\"}\n");
  }
  CHECK(eventually(bound, [&] {
    const auto ran = mesh.run({"status", "--json", "--name", "publisher"});
    return json::parse(ran.output)["outbox"] == 2;
  }));
  primary.start();
  // What a restarted primary can't vouch for comes back; the rest is sent. Together: everything.
  int sent = 0;
  int returned = 0;
  CHECK(eventually(bound, [&] {
    const auto status = json::parse(mesh.run({"status", "--json", "--name", "publisher"}).output);
    sent = status["counters"]["published"];
    returned = status["counters"]["unpublished"];
    return sent + returned == count;
  }));
  for (int i = 0; i < sent; ++i) wait_for(receiver, "delivery");
}

namespace {

// The findings of the doctor about one thing that are not ok, and its exit status.
struct Diagnosis {
  int status = 0;
  json findings;

  [[nodiscard]] std::string about(const std::string& thing, const std::string& verdict) const {
    std::string text;
    for (const auto& finding : findings) {
      if (finding["about"] == thing && finding["verdict"] == verdict) {
        text += finding["what"].get<std::string>() + " -> " + finding["cure"].get<std::string>();
      }
    }
    return text;
  }
};

Diagnosis diagnose(const Mesh& mesh, const Arguments& more) {
  Arguments arguments = {"doctor", "--json"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  const auto ran = mesh.run(arguments);
  CAPTURE(ran.errors);
  REQUIRE_FALSE(ran.output.empty());
  return {ran.status, json::parse(ran.output)["findings"]};
}

}  // namespace

TEST_CASE("the doctor looks at this host") {
  const Mesh mesh;
  const auto found = diagnose(mesh, {});
  CHECK(found.status == 0);
  CHECK(contains(found.about("interface lo", "ok"), "own multicast and own broadcast are heard"));
  CHECK(contains(found.about("ports", "ok"), "are free"));
  CHECK(contains(found.about("database", "warning"), "delivered at once"));
  const auto wrong = diagnose(mesh, {"--interfaces", "nosuch0"});
  CHECK(wrong.status == 1);
  CHECK(contains(wrong.about("interface nosuch0", "problem"), "nosuch0"));
  CHECK(contains(mesh.run({"doctor"}).output, "0 problems"));
}

TEST_CASE("the doctor tells of servers that don't answer, and keeps passwords to itself") {
  const Mesh mesh;
  const auto found = diagnose(mesh, {"--database", "host=127.0.0.1 port=1 password=hidden",
                                     "--primary", "host=127.0.0.1 port=1 password=hidden"});
  CHECK(found.status == 1);
  CHECK(contains(found.about("database", "problem"), "refused"));
  CHECK(contains(found.about("primary", "problem"), "refused"));
  CHECK_FALSE(contains(found.findings.dump(), "hidden"));
}

TEST_CASE("the doctor examines a replica and its primary") {
  Cluster cluster;
  auto& primary = cluster.primary();
  auto& replica = cluster.add_replica();
  const Mesh mesh;
  const Arguments both = {"--database", replica.connection_string(), "--primary",
                          primary.connection_string()};
  auto found = diagnose(mesh, both);
  CHECK(found.status == 0);
  CHECK(contains(found.about("database", "ok"), "standby"));
  CHECK(contains(found.about("database", "ok"), "replication commands work, on timeline 1"));
  CHECK(contains(found.about("database", "ok"), "behind the primary"));
  CHECK(contains(found.about("primary", "ok"), "synchronous_commit is on"));
  CHECK(found.about("database", "warning") == "");

  replica.execute("SELECT pg_wal_replay_pause()");
  found = diagnose(mesh, both);
  CHECK(found.status == 1);
  CHECK(contains(found.about("database", "problem"), "replay is paused"));
  replica.execute("SELECT pg_wal_replay_resume()");

  primary.append_config("synchronous_commit = off");
  found = diagnose(mesh, both);
  CHECK(contains(found.about("primary", "warning"), "synchronous_commit is off"));

  const auto swapped = diagnose(mesh, {"--primary", replica.connection_string()});
  CHECK(swapped.status == 1);
  CHECK(contains(swapped.about("primary", "problem"), "is a standby"));

  const auto alone = diagnose(mesh, {"--database", primary.connection_string()});
  CHECK(contains(alone.about("primary", "ok"), "the database itself"));
}

TEST_CASE("the doctor names the right that a role lacks") {
  Cluster cluster;
  cluster.primary().execute("CREATE ROLE plain LOGIN");
  const Mesh mesh;
  const auto found =
      diagnose(mesh, {"--database", cluster.primary().connection_string("user=plain")});
  CHECK(found.status == 0);
  CHECK(contains(found.about("database", "warning"), "ALTER ROLE plain REPLICATION"));
}

TEST_CASE("the doctor sees that database and primary are two clusters") {
  Cluster one;
  Cluster other({.own_identity = true});
  const Mesh mesh;
  const auto found = diagnose(mesh, {"--database", one.primary().connection_string(), "--primary",
                                     other.primary().connection_string()});
  CHECK(found.status == 1);
  CHECK(contains(found.about("primary", "problem"), "another cluster"));
}
