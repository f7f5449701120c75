// The kind of run that a seed is: how large, how long, how busy, and which faults it has.
//
// Half of the faults are switched off in each run. With all of them on at all times a mesh is
// mostly down, and what needs two faults and some peace between them never happens.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "lib/base/random.hpp"
#include "tidegate/time.hpp"

namespace tidegate::sim {

enum class Fault : std::uint8_t {
  loss,           // stream frames are dropped in bursts on some path
  direct_loss,    // now and then a direct frame
  disorder,       // duplicates and overtaking
  slow,           // a slow path
  cut,            // one way or both, between two hosts
  isolate,        // a host from all others
  break_links,    // connections between two hosts break and come back
  half_close,     // subscriptions between two hosts, and the reader is not told
  no_beacons,     // on all paths
  stall,          // a peer
  kill,           // a peer; a new life comes later
  leave,          // the same with a farewell
  stop_taking,    // an application
  subscriptions,  // change
  pause_replay,
  detach_replica,
  crash_replica,
  crash_primary,  // comes back
  fail_over,      // the primary dies, a replica is promoted
  promote_apart,  // a replica is promoted, though the primary lives
  fail_back,      // the primary dies, and one that was it before comes back as it was
  drop_sessions,  // of a peer with its servers
  slow_database,
  lose_kind,       // frames of one kind, on one path
  swap_addresses,  // two peers end, and a new life of each begins where the other was
  renew_session,   // of a peer with the server that it reads, which is no outage
  switch_server,   // a pooler leads a peer that reads to another server of the cluster
  datagrams,       // are lost on some path, or long ones don't pass, or none
  last
};
inline constexpr auto faults = static_cast<std::size_t>(Fault::last);

struct Profile {
  std::size_t hosts = 2;
  std::size_t replicas = 1;
  bool foreign_cluster = false;
  Duration chaos{};
  Duration publish_every{};  // in the middle, all peers together
  Duration fault_every{};
  Duration longest_fault{};
  Duration lateness{};
  std::size_t largest_padding = 0;
  bool small_queues = false;
  std::array<std::uint32_t, faults> weights{};
};

[[nodiscard]] Profile draw_profile(base::Random& random);

}  // namespace tidegate::sim
