// The words of a command line: in front of a subcommand and behind it, help, --check.
#include <csignal>
#include <fstream>
#include <string>

#include <doctest/doctest.h>

#include "tests/live/command_mesh.hpp"

using namespace tidegate::support;
using namespace tidegate::testing;

TEST_CASE("settings in front of the command mean the same as behind it") {
  const CommandMesh mesh;
  auto peer = mesh.start({"--name", "front", "--mesh=elsewhere", "peer"});
  CHECK(contains(wait_for_log(peer, "in mesh"), "front in mesh elsewhere on lo"));
  peer.send(SIGTERM);
  CHECK(ended(peer) == 0);

  std::ofstream(mesh.directory() / "bad.toml") << "held-byte = 1\n";
  const auto file = (mesh.directory() / "bad.toml").string();
  const auto bad = mesh.run({"--config", file, "peer"});
  CHECK(bad.status == 2);
  CHECK(contains(bad.errors, "bad.toml:1: held-byte"));
  const auto twice = mesh.run({"--mesh", "a", "peer", "--mesh", "b"});
  CHECK(twice.status == 2);
  CHECK(contains(twice.errors, "--mesh: is given 2 times"));
}

TEST_CASE("a word in front of the command that is no setting is refused with words") {
  const CommandMesh mesh;
  const auto word = mesh.run({"hlep", "peer"});
  CHECK(word.status == 2);
  CHECK(contains(word.errors, "hlep: there is no such command; did you mean help?"));
  const auto own = mesh.run({"--subscribe", "#", "peer"});
  CHECK(own.status == 2);
  CHECK(contains(own.errors, "--subscribe: stands behind the command: tidegate peer --subscribe"));
  const auto slip = mesh.run({"--msh", "prod", "peer"});
  CHECK(slip.status == 2);
  CHECK(contains(slip.errors, "--msh: there is no such flag; did you mean --mesh?"));
}

TEST_CASE("a flag that was renamed is refused with its present name, in front and behind") {
  const CommandMesh mesh;
  for (const auto& words :
       {Arguments{"peer", "--outbox-bytes=1MB"}, Arguments{"--outbox-bytes=1MB", "peer"}}) {
    const auto ran = mesh.run(words);
    CHECK(ran.status == 2);
    CHECK(contains(ran.errors, "--outbox-bytes: is called --unsent-bytes now"));
  }
}

TEST_CASE("help and version are commands, and help starts no peer") {
  const CommandMesh mesh;
  const auto peer = mesh.run({"help", "peer"});
  CHECK(peer.status == 0);
  CHECK(peer.output == mesh.run({"peer", "--help"}).output);
  CHECK(mesh.run({"help"}).output == mesh.run({"--help"}).output);
  CHECK(mesh.run({"version"}).output == mesh.run({"--version"}).output);
  const auto unknown = mesh.run({"help", "statsu"});
  CHECK(unknown.status == 2);
  CHECK(contains(unknown.errors, "did you mean status?"));
}

TEST_CASE("a topic may have the name of a command") {
  const CommandMesh mesh;
  const auto ran = mesh.run({"pub", "peers", "hello", "--allow-none", "--wait", "10ms"});
  CHECK(ran.status == 0);
  CHECK(contains(ran.output, "published to 0 peers"));
}

TEST_CASE("--check reads all settings, tells all that is wrong and starts nothing") {
  const CommandMesh mesh;
  std::ofstream(mesh.directory() / "t.toml")
      << "name = \"checked\"\ndatabase = \"host=replica conect_timeout=3\"\n";
  const auto file = (mesh.directory() / "t.toml").string();
  const auto bad = mesh.run({"peer", "--check", "--config", file, "--seeds", "nowhere", "--from",
                             "then", "--subscribe", "a/#/b"});
  CHECK(bad.status == 2);
  CHECK(bad.output.empty());
  for (const auto* part : {"t.toml:2: database: ", "conect_timeout", "--seeds: ", "--from: 'then'",
                           "--subscribe: ", "4 problems; nothing was done"}) {
    CHECK(contains(bad.errors, part));
  }
  std::ofstream(mesh.directory() / "t.toml") << "name = \"checked\"\n";
  for (const auto& good :
       {Arguments{"--check", "--config", file}, Arguments{"peer", "--config", file, "--check"},
        Arguments{"--check", "--config", file, "doctor"}}) {
    const auto ran = mesh.run(good);
    CHECK(ran.status == 0);
    CHECK(contains(ran.output, "the settings are right; nothing was started"));
    CHECK(contains(ran.output, "t.toml:1: name"));
  }
}

TEST_CASE("a peer starts beside a service of Kubernetes that is called tidegate-beacon") {
  const CommandMesh mesh;
  auto command = mesh.command({"peer", "--name", "pod"});
  command.environment["TIDEGATE_BEACON_SERVICE_HOST"] = "10.96.0.11";
  command.environment["TIDEGATE_PORT"] = "tcp://10.96.0.11:17880";
  command.environment["TIDEGATE_FIRST_PORT"] = "tcp://10.96.0.11:17880";
  Process peer(command);
  CHECK(contains(wait_for_log(peer, "enableServiceLinks"), "3 variables"));
  wait_for_log(peer, "pod in mesh");
}
