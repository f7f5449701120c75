// The faults: one every now and then, chosen by the profile's weights, each with an end of its own.
//
// To add one: a line in `Fault` (profile.hpp), a case in `strike` here. It has to end by itself or
// in `heal`, since what is judged at the end is what a healthy mesh makes of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "tests/sim/draws.hpp"
#include "tests/sim/profile.hpp"
#include "tests/sim/simulation.hpp"

namespace tidegate::sim {

class Chaos {
 public:
  struct Counts {
    std::uint64_t faults = 0;
    std::uint64_t peer_crashes = 0;
    std::uint64_t server_crashes = 0;
    std::uint64_t promotions = 0;
  };

  Chaos(Simulation& simulation, base::Random random, const Profile& profile);

  // Hosts, clusters and the first lives, as the profile says.
  void set_up();

  void start();
  // No new faults; those that last end now.
  void heal();

  [[nodiscard]] const Counts& counts() const { return counts_; }

 private:
  void later();
  void strike();
  void strike(Fault fault);
  void start_life(std::size_t slot, std::optional<LifeId> earlier);
  [[nodiscard]] bool may_end(std::size_t slot);
  void end_life(std::size_t slot, bool farewell);
  void swap_addresses();
  void cut(HostId a, HostId b, bool both);
  void crash_primary(bool promote);
  void promote_apart();
  void fail_back();
  void trust_primaries(int times);
  Duration lasting() { return up_to(random_, profile_.longest_fault); }
  Path& any_path();
  // Undoes something after a while, unless healed before.
  void undo(std::function<void()> what);
  [[nodiscard]] std::optional<LifeId> any_life();
  [[nodiscard]] std::optional<ServerId> any_replica();
  [[nodiscard]] HostId any_host() { return random_.below(simulation_.network.hosts()); }

  Simulation& simulation_;
  base::Random random_;
  const Profile& profile_;
  Counts counts_;
  std::uint32_t round_ = 0;
  std::uint32_t total_weight_ = 0;
  std::vector<PeerPlan> plans_;                // by slot
  std::vector<std::optional<LifeId>> living_;  // by slot
};

}  // namespace tidegate::sim
