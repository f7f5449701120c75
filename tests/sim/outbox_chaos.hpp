// Trouble for clusters with an outbox and for those who read it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>

#include "lib/base/random.hpp"
#include "tests/sim/outbox_profile.hpp"
#include "tests/sim/outbox_world.hpp"

namespace tidegate::sim {

class OutboxChaos {
 public:
  OutboxChaos(OutboxWorld& world, base::Random random, const OutboxProfile& profile)
      : world_(world), random_(random), profile_(profile) {}

  void set_up();
  void start() { later(); }
  // Ends all trouble; what still takes time is then on its way.
  void heal();

  [[nodiscard]] std::uint64_t faults() const { return faults_; }
  [[nodiscard]] std::uint64_t promotions() const { return promotions_; }

 private:
  void later();
  void strike(OutboxFault fault);
  void undo(std::function<void()> what);
  void crash_primary(bool promote);
  void restore();
  void promote_any(std::uint64_t system);
  [[nodiscard]] ServerId any_server() { return random_.below(world_.database.size()); }
  [[nodiscard]] std::optional<ServerId> any_replica();
  // Of the cluster at home.
  [[nodiscard]] ServerId home_server() { return random_.below(profile_.replicas + 1); }

  OutboxWorld& world_;
  base::Random random_;
  OutboxProfile profile_;
  int round_ = 0;  // what was planned in an earlier one is void
  std::uint64_t faults_ = 0;
  std::uint64_t promotions_ = 0;
};

}  // namespace tidegate::sim
