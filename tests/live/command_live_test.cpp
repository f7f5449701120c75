// `tidegate peer` as a process, and what all subcommands have in common: settings, help, exits.
#include <csignal>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include <doctest/doctest.h>

#include "support/eventually.hpp"
#include "tests/live/command_mesh.hpp"

using namespace std::chrono_literals;
using namespace tidegate::support;
using namespace tidegate::testing;

TEST_CASE("a peer without any option runs on this host and reports its findings") {
  const CommandMesh mesh;
  auto peer = mesh.start({"peer"});
  CHECK(contains(wait_for_log(peer, "in mesh command-"), " on lo, ports "));
  CHECK(contains(wait_for_log(peer, "no database given"), "delivered at once"));
  peer.send(SIGTERM);
  CHECK(ended(peer) == 0);
  CHECK(std::filesystem::is_empty(mesh.sockets()));
}

TEST_CASE("two peers exchange messages over standard input and output") {
  const CommandMesh mesh;
  CommandPair pair(mesh);
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
  const CommandMesh mesh;
  CommandPair pair(mesh);
  pair.a.write("\nnonsense\n{\"topic\":\"x\",\"depends\":\"commit\"}\n{\"topic\":\"good\"}\n");
  const auto nonsense = wait_for(pair.a, "error");
  CHECK(nonsense["line"] == 2);
  CHECK(contains(nonsense["message"], "not JSON"));
  const auto untagged = wait_for(pair.a, "error");
  CHECK(untagged["line"] == 3);
  CHECK(contains(untagged["message"], "--primary"));
  CHECK(wait_for(pair.b, "delivery")["topic"] == json{"good"});
}

TEST_CASE("a payload over the limit is refused with the limit") {
  const CommandMesh mesh;
  auto peer = mesh.start({"peer", "--payload-bytes", "10B"});
  peer.write("{\"topic\":\"x\",\"payload\":\"12345678901\"}\n");
  CHECK(contains(wait_for(peer, "error")["message"], "payload-bytes"));
  peer.write("{\"topic\":\"x\",\"payload\":\"" + std::string(100000, 'x') + "\"}\n");
  CHECK(contains(wait_for(peer, "error")["message"], "longer than any message"));
}

TEST_CASE("a peer delivers only messages that match a subscription") {
  const CommandMesh mesh;
  auto a = mesh.start({"peer", "--subscribe", "builds/*/new", "--subscribe", "jobs/#"});
  auto b = mesh.start({"peer"});
  wait_for(a, "peer_ready");
  wait_for(b, "peer_ready");
  b.write("{\"topic\":\"builds/1/old\"}\n{\"topic\":\"builds/1/new\"}\n{\"topic\":\"jobs\"}\n");
  CHECK(wait_for(a, "delivery")["topic"] == json{"builds", "1", "new"});
  CHECK(wait_for(a, "delivery")["topic"] == json{"jobs"});
}

TEST_CASE("a peer that gets SIGTERM leaves politely, and the other is told so") {
  const CommandMesh mesh;
  CommandPair pair(mesh);
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

TEST_CASE("a reader that pauses does not stop the peer, and gets everything in the end") {
  const CommandMesh mesh;
  const Arguments hasty = {"--heartbeat",     "100ms", "--suspect-after", "500ms",
                           "--gone-after",    "1s",    "--inbox-bytes",   "20kB",
                           "--payload-bytes", "1kB",   "--name"};
  const auto start = [&](const std::string& name) {
    Arguments arguments = {"peer"};
    arguments.insert(arguments.end(), hasty.begin(), hasty.end());
    arguments.push_back(name);
    return mesh.start(arguments);
  };
  auto publisher = start("publisher");
  auto reader = start("reader");
  wait_for(publisher, "peer_ready");
  wait_for(reader, "peer_ready");
  constexpr int count = 4000;  // of 500 bytes: more than a pipe, the output and the inbox take
  for (int i = 0; i < count; ++i) {
    publisher.write("{\"topic\":\"x\",\"payload\":\"" + std::string(500, ' ') + "\"}\n");
  }
  const auto status = [&] {
    return json::parse(mesh.run({"status", "--json", "--name", "reader"}).output);
  };
  CHECK(eventually(command_bound, [&] { return status()["counters"]["received"] == count; }));
  CHECK(status()["held"] > 0);
  std::this_thread::sleep_for(2s);  // twice gone-after: a peer that had stopped would be gone
  CHECK(status()["peers"][0]["state"] == "ready");
  CHECK(json::parse(
            mesh.run({"status", "--json", "--name", "publisher"}).output)["peers"][0]["state"] ==
        "ready");
  for (int i = 1; i <= count; ++i) {
    const auto delivery = wait_for(reader, "delivery");
    if (delivery["sequence"] != i) FAIL("sequence " << delivery["sequence"] << " after " << i - 1);
  }
}

TEST_CASE("a peer whose output nobody reads any more leaves with a message") {
  const CommandMesh mesh;
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
  const CommandMesh mesh;
  std::ofstream(mesh.directory() / "t.toml") << "held_bytes = \"1GiB\"\nheartbeat = 5\n";
  auto command =
      mesh.command({"peer", "--config", (mesh.directory() / "t.toml").string(), "--databse", "x",
                    "--first-port", "no", "--subscribe", "a/#/b", "stray"});
  command.environment["TIDEGATE_UNSENT_BYTES"] = "big";
  const auto ran = CommandMesh::finish(Process(command));
  CHECK(ran.status == 2);
  CHECK(ran.output.empty());
  for (const auto* part :
       {"t.toml:1: held_bytes: settings in a file are written with '-'", "t.toml:2: heartbeat",
        "--databse: there is no such flag; did you mean --database?", "--first-port: 'no'",
        "--subscribe: 'a/#/b'", "stray", "TIDEGATE_UNSENT_BYTES: 'big'"}) {
    CHECK(contains(ran.errors, part));
  }
}

TEST_CASE("a flag without its value, an unknown command and no command are wrong usage") {
  const CommandMesh mesh;
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
  const CommandMesh mesh;
  const auto ran = mesh.run({"peer", "--interfaces", "nosuch0", "--insecure"});
  CHECK(ran.status == 1);
  CHECK(contains(ran.errors, "nosuch0"));
}

TEST_CASE("help shows examples for every command, and the exit statuses") {
  const CommandMesh mesh;
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
  const CommandMesh mesh;
  std::ofstream(mesh.directory() / "t.toml") << "name = \"from-the-file\"\n";
  auto command = mesh.command({"peer"});
  command.environment["TIDEGATE_CONFIG"] = (mesh.directory() / "t.toml").string();
  Process peer(command);
  wait_for_log(peer, "from-the-file in mesh");
}
