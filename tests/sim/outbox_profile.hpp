// The kind of run that a seed is for the outbox. As in the mesh, half of the faults are switched
// off in each.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "lib/base/random.hpp"
#include "tidegate/time.hpp"

namespace tidegate::sim {

enum class OutboxFault : std::uint8_t {
  kill,         // a host's process; it goes on from what it has written
  end_machine,  // from what it has synced
  lose_file,
  switch_server,
  visit_foreign,  // a host is led to another cluster for some time
  pause_replay,
  detach_replica,
  crash_replica,  // may rewind
  copy_replica,   // made anew
  crash_primary,  // comes back
  fail_over,
  promote_apart,
  fail_back,
  restore,  // of an older state, which begins a timeline
  last
};
inline constexpr auto outbox_faults = static_cast<std::size_t>(OutboxFault::last);

struct OutboxProfile {
  std::size_t replicas = 1;
  bool foreign_cluster = false;
  std::size_t hosts = 1;
  std::size_t sessions = 3;
  Duration chaos{};
  Duration write_every{};
  Duration poll_every{};
  Duration work_every{};
  Duration remove_every{};
  Duration kept_for{};  // rows
  Duration fault_every{};
  Duration longest_fault{};
  std::array<std::uint32_t, outbox_faults> weights{};
};

[[nodiscard]] OutboxProfile draw_outbox_profile(base::Random& random);

}  // namespace tidegate::sim
