// What tests of whole peers in one thread share: a mesh in memory, servers with a script, and turns
// until something is so.
#pragma once

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <utility>

#include "peer/io/clock.hpp"
#include "peer/loop.hpp"
#include "tests/peer/memory_carrier.hpp"
#include "tests/peer/scripted_server.hpp"

namespace tidegate::testing {

inline constexpr ServerIncarnation primary_life{7, 1};
inline constexpr ServerIncarnation replica_life{7, 2};

// The server has committed everything up to there, and flushed it.
inline void commit(ServerScript& script, std::uint64_t lsn) {
  script.position = {script.incarnation, 1, Lsn{lsn}, Lsn{lsn}};
}

// The server shows everything up to there.
inline void replay(ServerScript& script, std::uint64_t lsn) {
  script.tide = {script.incarnation, 1, Lsn{lsn}, {}};
}

inline std::shared_ptr<ServerScript> script_of(ServerIncarnation incarnation, std::uint64_t lsn) {
  auto script = std::make_shared<ServerScript>();
  script->incarnation = incarnation;
  commit(*script, lsn);
  replay(*script, lsn);
  return script;
}

// Gives out the worlds of its peers. Each is a seed of those that come later.
class MemoryMesh {
 public:
  peer::World world(const std::string& name, std::shared_ptr<ServerScript> reads = nullptr,
                    std::shared_ptr<ServerScript> commits = nullptr) {
    peer::World world;
    world.self.origin.peer.bytes.fill(static_cast<std::uint8_t>(port_));
    world.self.origin.incarnation = 1;
    world.self.mesh = "memory";
    world.self.name = name;
    world.carrier = std::make_unique<MemoryCarrier>(network_, world.self.origin.peer, port_);
    world.self.publish_port = world.carrier->ports().publish;
    world.self.direct_port = world.carrier->ports().direct;
    for (std::uint16_t port = first_port; port < port_; port += 2) {
      world.seeds.push_back({"127.0.0.1", static_cast<std::uint16_t>(port + 1)});
    }
    if (reads) world.replay_reader = std::make_unique<ScriptedReplica>(std::move(reads));
    if (commits)
      world.commit_position_reader = std::make_unique<ScriptedPrimary>(std::move(commits));
    port_ += 2;
    return world;
  }

 private:
  static constexpr std::uint16_t first_port = 2;
  MemoryNetwork network_;
  std::uint16_t port_ = first_port;
};

// Runs all loops in turn until it is so; false when it takes too long.
template <typename Condition>
bool turn_until(std::initializer_list<peer::Loop*> loops, Condition&& condition) {
  const auto end = io::clock_now() + std::chrono::seconds(10);
  while (!condition()) {
    if (io::clock_now() >= end) return false;
    for (auto* loop : loops) loop->run_once(std::chrono::milliseconds(0));
  }
  return true;
}

}  // namespace tidegate::testing
