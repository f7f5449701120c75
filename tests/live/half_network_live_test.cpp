// Half a network: a way that is blocked, a wrong seed, nobody there. The peer says so in its log,
// in its status, and when the doctor asks.
#include <chrono>
#include <string>

#include <doctest/doctest.h>

#include "tests/live/command_mesh.hpp"
#include "tests/live/host_peer.hpp"

using namespace tidegate;
using namespace tidegate::testing;
using namespace std::chrono_literals;

TEST_CASE("a peer whose beacon is heard while TCP is blocked is named in log, status and doctor") {
  const auto hosts = make_hosts();
  if (!hosts) return;
  // No TCP connection survives that in either direction; the beacon is a multicast.
  hosts->left.run("ip route add blackhole 10.17.88.2/32");
  HostPeer left(hosts->left, "cable0", "left");
  HostPeer right(hosts->right, "cable1", "right");
  REQUIRE(left.says("\"kind\":\"peer_unmet\"", 30s));
  CHECK(right.says("\"kind\":\"peer_unmet\"", 30s));
  const auto check = left.ask({"status", "--check"});
  CHECK(check.status == 4);
  CHECK(contains(check.output, "peer_unmet: for "));
  CHECK(contains(check.output, "heard by its beacon (UDP), but does not answer"));
  CHECK(contains(left.ask({"status"}).output, "no answer"));
  const auto doctor = left.ask({"doctor", "--interfaces", "cable0"});
  CHECK(doctor.status == 1);
  CHECK(contains(doctor.output, "does not answer"));
  CHECK(contains(doctor.output, "can't be reached"));

  hosts->left.run("ip route delete blackhole 10.17.88.2/32");
  CHECK(left.says("\"peer_ready\"", 30s));
  CHECK(left.says("\"ended\":true", 30s));
}

TEST_CASE("a seed where nobody answers, and one of another mesh, are named in log and status") {
  const CommandMesh mesh;
  const CommandMesh other;
  auto stranger = other.start({"peer", "--mesh", "elsewhere", "--name", "stranger"});
  const auto started = wait_for_log(stranger, "in mesh");
  const auto port =
      json::parse(other.run({"status", "--json", "--mesh", "elsewhere"}).output)["direct_port"]
          .dump();
  const auto neighbour = mesh.start({"peer", "--name", "neighbour"});
  auto peer = mesh.start(
      {"peer", "--name", "peer", "--seeds", "127.0.0.1:1", "--seeds", "127.0.0.1:" + port});
  wait_for_log(peer, "no peer answers at the seed 127.0.0.1:1; look whether");
  wait_for_log(peer, "at the seed 127.0.0.1:" + port + ": this is mesh 'elsewhere'");
  const auto check = mesh.run({"status", "--check", "--name", "peer"});
  CHECK(check.status == 4);
  CHECK(contains(check.output, "seed_unmet"));
  const auto doctor = mesh.run({"doctor", "--seeds", "127.0.0.1:1", "--name", "peer"});
  CHECK(doctor.status == 1);
  CHECK(contains(doctor.output, "nothing listens there"));
}

TEST_CASE("a peer that meets nobody for ten seconds says so, until it has met one") {
  const CommandMesh mesh;
  auto peer = mesh.start({"peer", "--name", "alone"});
  wait_for_log(peer, "no other peer has been met since the start");
  const auto check = mesh.run({"status", "--check"});
  CHECK(check.status == 4);
  CHECK(contains(check.output, "nobody_met: for 1"));
  CHECK(contains(mesh.run({"doctor"}).output, "no other peer has been met"));
  const auto second = mesh.start({"peer", "--name", "second"});
  wait_for_log(peer, "over after");
}
