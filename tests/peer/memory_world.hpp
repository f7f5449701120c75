// Shared by tests of whole peers in one thread: a mesh in memory, servers with a script, and turns
// until something is so.
#pragma once

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "peer/io/clock.hpp"
#include "peer/loop.hpp"
#include "tests/peer/memory_carrier.hpp"
#include "tests/peer/scripted_server.hpp"

namespace tidegate::testing {

inline constexpr ServerIncarnation primary_life{7, 1};
inline constexpr ServerIncarnation replica_life{7, 2};

// The server has committed everything up to there, and flushed it.
inline void commit(ServerScript& script, std::uint64_t lsn) {
  script.position = {script.incarnation, History::of({{1, 0, 0}}).value(), Lsn{lsn}, Lsn{lsn}};
}

// The server shows everything up to there.
inline void replay(ServerScript& script, std::uint64_t lsn) {
  script.tide = {script.incarnation, History::of({{1, 0, 0}}).value(), lsn};
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
    const auto number = static_cast<std::uint16_t>(seeds_.size() + 1);
    peer::World world;
    world.self.origin.peer.bytes.fill(static_cast<std::uint8_t>(number));
    world.self.origin.incarnation = 1;
    world.self.mesh = "memory";
    world.self.name = name;
    world.carrier = std::make_unique<MemoryCarrier>(network_, world.self.origin.peer,
                                                    static_cast<std::uint16_t>(2 * number));
    world.self.publish_port = world.carrier->ports().publish;
    world.self.direct_port = world.carrier->ports().direct;
    world.seeds = seeds_;
    seeds_.push_back({"127.0.0.1", world.self.direct_port});
    if (reads) world.replay_reader = std::make_unique<ScriptedReplica>(std::move(reads));
    if (commits)
      world.commit_position_reader = std::make_unique<ScriptedPrimary>(std::move(commits));
    return world;
  }

 private:
  MemoryNetwork network_;
  std::vector<base::Endpoint> seeds_;
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
