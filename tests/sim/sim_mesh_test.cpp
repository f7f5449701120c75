// Meshes in the simulator whose question is too exact for chaos, and too large for a scenario file.
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "tests/sim/simulation.hpp"

using namespace tidegate;
using namespace tidegate::sim;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

// Ungated peers on a host each; all of them subscribe to everything.
struct Mesh {
  explicit Mesh(std::uint64_t seed) : trace(Trace::Mode::keep), simulation(seed, trace) {}

  LifeId start(std::vector<base::Endpoint> seeds = {}, const Options& options = {}) {
    PeerPlan plan;
    plan.name = "p" + std::to_string(simulation.network.hosts());
    plan.host = simulation.network.add_host("host-" + plan.name);
    plan.seeds = std::move(seeds);
    plan.options = options;
    const auto life = simulation.start(plan);
    simulation.subscribe(life, topics, true);
    return life;
  }

  void publish(LifeId life, int count) {
    for (int i = 0; i < count; ++i) simulation.publish(life, {{}});
  }

  // How long it takes until everybody is ready with everybody; the patience at the most.
  Duration until_ready(Duration patience) {
    Duration waited{};
    while (waited < patience && !simulation.unsettled().empty()) {
      simulation.run_for(milliseconds(20));
      waited += milliseconds(20);
    }
    CHECK(simulation.unsettled() == "");
    return waited;
  }

  [[nodiscard]] Counters counters(LifeId life) {
    return simulation.peer(life).node->status(simulation.events.now()).counters;
  }
  [[nodiscard]] std::string broken() const { return simulation.oracle.violation().value_or(""); }

  Trace trace;
  Simulation simulation;
};

}  // namespace

TEST_CASE("whichever frame of the handshake is lost, two peers become ready") {
  for (std::uint64_t lost = 0; lost < 16; ++lost) {
    CAPTURE(lost);
    Mesh mesh(lost + 1);
    mesh.simulation.network.lost_direct = lost;
    mesh.start();
    mesh.start();
    mesh.until_ready(seconds(4));
    CHECK(mesh.broken() == "");
  }
}

TEST_CASE("peers that hear each other's beacons are all ready within half a second") {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    CAPTURE(seed);
    Mesh mesh(seed);
    for (std::uint64_t i = 0; i < 2 + seed % 4; ++i) mesh.start();
    mesh.until_ready(milliseconds(500));
  }
}

TEST_CASE("one seed is enough for both sides when no beacon is heard") {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    CAPTURE(seed);
    Mesh mesh(seed);
    const std::vector<base::Endpoint> seeds{{"host-p0", 101}};
    mesh.start(seeds);  // also dials itself
    const auto second = mesh.start(seeds);
    auto& network = mesh.simulation.network;
    network.path(0, 1).datagram_loss = network.path(1, 0).datagram_loss = 1'000'000;
    mesh.until_ready(milliseconds(500));
    mesh.simulation.kill(second);
    mesh.simulation.run_for(seconds(20));
    mesh.start(seeds);
    network.path(0, 2).datagram_loss = network.path(2, 0).datagram_loss = 1'000'000;
    mesh.until_ready(seconds(5));
    CHECK(mesh.broken() == "");
  }
}

// The roster forgets who was away for a day, and its stream's place is still known.
TEST_CASE("a peer that returns in the same life after a day gets nothing twice") {
  for (const bool retained : {false, true}) {
    CAPTURE(retained);
    Mesh mesh(1);
    Options options;
    options.heartbeat = seconds(20);
    options.suspect_after = seconds(60);
    options.gone_after = seconds(180);
    options.retain_for = std::chrono::hours(retained ? 48 : 1);
    for (int i = 0; i < 3; ++i) mesh.start({}, options);
    mesh.until_ready(seconds(120));
    mesh.publish(0, 3);
    mesh.publish(1, 3);
    mesh.simulation.run_for(seconds(60));
    auto& network = mesh.simulation.network;
    for (const HostId other : {HostId{1}, HostId{2}})
      network.path(0, other).cut = network.path(other, 0).cut = true;
    mesh.simulation.run_for(std::chrono::hours(13));
    mesh.publish(0, 5);
    mesh.publish(1, 5);
    mesh.simulation.run_for(std::chrono::hours(13));
    for (const HostId other : {HostId{1}, HostId{2}}) {
      network.open(0, other);
      network.open(other, 0);
    }
    mesh.until_ready(seconds(300));
    mesh.publish(0, 2);
    mesh.publish(1, 2);
    mesh.simulation.run_for(seconds(120));
    mesh.simulation.oracle.finish();
    CHECK(mesh.broken() == "");
    const auto far = mesh.counters(0);
    CHECK(far.delivered == (retained ? 10 : 5));
    CHECK(far.expired == (retained ? 0 : 5));
    CHECK(mesh.counters(1).delivered == far.delivered);
    CHECK(mesh.counters(1).expired == far.expired);
  }
}

TEST_CASE("64 receivers that miss the same 1,000 messages ask each for itself, and not at once") {
  Mesh mesh(1);
  constexpr std::size_t receivers = 64;
  const auto publisher = mesh.start();
  std::vector<LifeId> lives;
  for (std::size_t i = 0; i < receivers; ++i) lives.push_back(mesh.start());
  mesh.until_ready(seconds(20));
  auto& network = mesh.simulation.network;
  for (HostId to = 1; to <= receivers; ++to) network.path(0, to).loss = 1'000'000;
  mesh.publish(publisher, 1000);
  mesh.simulation.run_for(milliseconds(10));
  for (HostId to = 1; to <= receivers; ++to) network.path(0, to).loss = 0;
  mesh.simulation.run_for(seconds(3));
  std::uint64_t requests = 0;
  for (const auto life : lives) {
    REQUIRE(mesh.counters(life).delivered == 1000);
    requests += mesh.counters(life).requests;
  }
  const auto resent = mesh.counters(publisher).resent;
  MESSAGE(requests, " requests, ", resent, " messages sent again");
  CHECK(requests <= 2 * receivers);
  CHECK(resent <= 2 * receivers * 1000);
  CHECK(mesh.broken() == "");
}
