// Meshes of a few real nodes, each scenario from many seeds.
#include <doctest/doctest.h>

#include "tests/lib/node/node_world.hpp"

using namespace tidegate;
using std::chrono::milliseconds;
using std::chrono::seconds;
using tidegate::testing::World;
using Id = World::Id;

namespace {

std::string host(Id number) { return std::string(1, static_cast<char>('a' + number)); }

// 2 to 5 peers, by the seed.
std::size_t size_for(std::uint64_t seed) { return 2 + seed % 4; }

void start_all(World& world, std::size_t count) {
  for (Id i = 0; i < count; ++i) world.start(host(i));
}

void run_until_all_ready(World& world, Duration patience) {
  for (Duration waited{}; waited < patience && !world.all_ready(); waited += milliseconds(50)) {
    world.run_for(milliseconds(50));
  }
  CHECK(world.all_ready());
}

// Who must get which message: those that its publisher saw ready when it was published.
struct Promise {
  Id from;
  std::uint64_t sequence;
  Id to;
};

// Everybody who is there publishes now and then.
std::vector<Promise> publish_for(World& world, Duration duration) {
  std::vector<Promise> promises;
  for (Duration spent{}; spent < duration; spent += milliseconds(10)) {
    for (Id from = 0; from < world.size(); ++from) {
      if (!world.peer(from).alive || world.random().below(3) > 0) continue;
      const auto sequence = world.peer(from).published.size() + 1;
      for (Id to = 0; to < world.size(); ++to) {
        if (to != from && world.sees_ready(from, to)) promises.push_back({from, sequence, to});
      }
      world.publish(from);
    }
    world.run_for(milliseconds(10));
  }
  return promises;
}

void check_kept(World& world, const std::vector<Promise>& promises) {
  for (const auto& promise : promises) {
    const auto from = promise.from;
    const auto sequence = promise.sequence;
    const auto to = promise.to;
    if (!world.peer(to).alive) continue;
    CAPTURE(from);
    CAPTURE(sequence);
    CAPTURE(to);
    CHECK(world.delivered(to, from, sequence) == 1);
  }
}

// Delivered or reported, once; the world has checked that it was not both.
void check_kept_or_reported(World& world, const std::vector<Promise>& promises) {
  for (const auto& promise : promises) {
    const auto from = promise.from;
    const auto sequence = promise.sequence;
    const auto to = promise.to;
    if (!world.peer(to).alive) continue;
    CAPTURE(from);
    CAPTURE(sequence);
    CAPTURE(to);
    CHECK(world.delivered(to, from, sequence) + world.reported(to, from, sequence) == 1);
  }
}

std::size_t reports(World& world) {
  std::size_t sum = 0;
  for (Id id = 0; id < world.size(); ++id) sum += world.peer(id).reported.size();
  return sum;
}

}  // namespace

TEST_CASE("peers that hear each other's beacons are all ready within half a second") {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    CAPTURE(seed);
    World world(seed);
    start_all(world, size_for(seed));
    run_until_all_ready(world, milliseconds(500));
  }
}

TEST_CASE("one seed is enough for both sides when no beacon is heard") {
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    CAPTURE(seed);
    World world(seed);
    world.lost_beacons = 1000;
    const auto first = world.start("a", {{"a", 20}});  // also dials itself
    const auto second = world.start("b", {{"a", 20}});
    run_until_all_ready(world, milliseconds(500));
    world.crash(second);
    world.run_for(seconds(20));
    CHECK(world.peer(first).gone.at(world.peer(second).info.origin) == PeerGone::Why::silent);
    world.start("b", {{"a", 20}});
    run_until_all_ready(world, seconds(5));
  }
}

TEST_CASE("whichever frame of the handshake is lost, two peers become ready") {
  for (std::uint64_t lost = 0; lost < 16; ++lost) {
    CAPTURE(lost);
    World world(lost);
    world.lost_frame = lost;
    start_all(world, 2);
    run_until_all_ready(world, seconds(4));
  }
}

TEST_CASE("a network that loses every third frame and datagram only delays the handshake") {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    CAPTURE(seed);
    World world(seed);
    world.lost_direct = world.lost_beacons = 333;
    start_all(world, size_for(seed));
    run_until_all_ready(world, seconds(30));
  }
}

TEST_CASE("nothing that is published after ready is lost") {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    CAPTURE(seed);
    World world(seed);
    start_all(world, size_for(seed));
    const auto promises = publish_for(world, seconds(2));
    world.run_for(seconds(1));
    CHECK(promises.size() > 30);
    check_kept(world, promises);
    CHECK(reports(world) == 0);
  }
}

TEST_CASE("all that a peer published before it left is delivered, and its leaving is no death") {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    CAPTURE(seed);
    World world(seed);
    start_all(world, 3);
    auto promises = publish_for(world, seconds(1));
    world.run_for(milliseconds(1));  // the primary has answered
    world.leave(1);
    world.run_for(seconds(1));
    check_kept(world, promises);
    for (const Id id : {0U, 2U}) {
      CHECK(world.peer(id).gone.at(world.peer(1).info.origin) == PeerGone::Why::left);
    }
    promises = publish_for(world, seconds(1));
    world.run_for(seconds(1));
    check_kept(world, promises);
    CHECK(reports(world) == 0);
  }
}

TEST_CASE("a peer that restarts on the same ports is ready at once and replaces its former life") {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    CAPTURE(seed);
    World world(seed);
    start_all(world, 3);
    (void)publish_for(world, seconds(1));
    world.crash(1);
    world.run_for(milliseconds(world.random().below(1000)));
    world.start(host(1));
    run_until_all_ready(world, seconds(3));
    for (const Id id : {0U, 2U}) {
      CHECK(world.peer(id).gone.at(world.peer(1).info.origin) == PeerGone::Why::replaced);
    }
    const auto promises = publish_for(world, seconds(1));
    world.run_for(seconds(1));
    check_kept(world, promises);
  }
}

TEST_CASE("a silence of one way or both heals, and each message of it is delivered or reported") {
  for (std::uint64_t seed = 0; seed < 6; ++seed) {
    CAPTURE(seed);
    World world(seed);
    start_all(world, 3);
    auto promises = publish_for(world, seconds(1));
    world.cut("a", "b");
    if (seed % 3 == 0) world.cut("b", "a");
    const auto length = milliseconds(world.random().below(12'000));
    const auto during = publish_for(world, length);
    promises.insert(promises.end(), during.begin(), during.end());
    world.heal();
    run_until_all_ready(world, seconds(10));
    const auto after = publish_for(world, seconds(1));
    world.run_for(seconds(2));
    check_kept(world, after);
    check_kept(world, promises);
    CHECK(reports(world) == 0);
  }
}

TEST_CASE("what a lossy network swallows of a stream is fetched again") {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    CAPTURE(seed);
    World world(seed);
    start_all(world, size_for(seed));
    run_until_all_ready(world, seconds(2));
    world.lost_stream = 50;
    const auto promises = publish_for(world, seconds(2));
    world.lost_stream = 0;
    world.run_for(seconds(2));
    check_kept(world, promises);
    CHECK(reports(world) == 0);
  }
}

TEST_CASE("64 receivers that miss the same 1,000 messages ask each for itself, and not at once") {
  World world(1);
  constexpr Id receivers = 64;
  start_all(world, receivers + 1);
  run_until_all_ready(world, seconds(20));
  world.lost_stream = 1000;
  for (int i = 0; i < 1000; ++i) world.publish(0);
  world.run_for(milliseconds(10));
  world.lost_stream = 0;
  world.run_for(seconds(3));
  std::uint64_t requests = 0;
  for (Id to = 1; to <= receivers; ++to) {
    for (std::uint64_t sequence = 1; sequence <= 1000; ++sequence) {
      REQUIRE(world.delivered(to, 0, sequence) == 1);
    }
    requests += world.peer(to).node->status(Instant()).counters.requests;
  }
  const auto counters = world.peer(0).node->status(Instant()).counters;
  MESSAGE(requests, " requests, ", counters.resent, " messages sent again");
  CHECK(requests <= 2 * receivers);
  CHECK(counters.resent <= 2 * receivers * 1000);
}

TEST_CASE("after any chaos the mesh is whole again, and nothing was early, twice or silent") {
  for (std::uint64_t seed = 0; seed < 6; ++seed) {
    CAPTURE(seed);
    World world(seed);
    const auto count = size_for(seed);
    start_all(world, count);
    std::vector<Id> living(count);  // by host
    for (Id i = 0; i < count; ++i) living[i] = i;
    std::vector<Promise> promises;
    for (int i = 0; i < 12; ++i) {
      const auto which = world.random().below(count);
      switch (world.random().below(5)) {
        case 0:
          world.cut(host(which), host(world.random().below(count)));
          break;
        case 1:
          world.heal();
          break;
        case 2:
          world.lost_stream = world.lost_direct = world.random().below(200);
          break;
        case 3:
          world.crash(living[which]);
          world.run_for(milliseconds(world.random().below(500)));
          living[which] = world.start(host(which));
          break;
        default:
          world.leave(living[which]);
          living[which] = world.start(host(which));
      }
      const auto more = publish_for(world, milliseconds(world.random().below(4'000)));
      promises.insert(promises.end(), more.begin(), more.end());
    }
    world.heal();
    world.lost_stream = world.lost_direct = 0;
    world.run_for(seconds(10));
    run_until_all_ready(world, seconds(10));
    const auto after = publish_for(world, seconds(1));
    world.run_for(seconds(2));
    check_kept(world, after);
    for (const auto& [from, sequence, to] : promises) {
      // The tail of a publisher that crashed is nobody's to tell.
      if (world.peer(from).alive) check_kept_or_reported(world, {{from, sequence, to}});
    }
  }
}
