// The faults of a run, drawn from its seed.
//
// Kinds come like cards from a shuffled deck, so that a run of some minutes has them all, however
// the seed falls.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/random.hpp"
#include "tests/soak/settings.hpp"
#include "tidegate/time.hpp"

namespace tidegate::soak {

enum class FaultKind : std::uint8_t {
  kill_peer,  // SIGKILL, and another life later
  stop_peer,  // SIGSTOP, and SIGCONT
  cut_link,
  deafen,         // packets to the peer are lost
  mute,           // packets of the peer are lost
  pause_replay,   // of a replica
  crash_replica,  // SIGKILL to the whole server, and started again
  crash_primary,
  fail_over,  // the primary crashes or is stopped, and a replica takes over
};

[[nodiscard]] std::string_view to_string(FaultKind kind);
[[nodiscard]] bool concerns_peer(FaultKind kind);

struct Fault {
  FaultKind kind = FaultKind::kill_peer;
  int target = 0;  // a peer, or which of the two replicas
  // How a fail-over comes about. Isolated: the replicas get nothing for a while, and then the
  // primary is killed, so that something is lost with it.
  enum class End : std::uint8_t { stopped, killed, isolated };
  End end = End::killed;
  Duration lasts{};
  // Until the next one: counted from the end of this one, or, if `overlaps`, from its beginning.
  Duration pause{};
  bool overlaps = false;

  // Whether both at a time would be in each other's way: one peer, or the servers.
  [[nodiscard]] bool excludes(const Fault& other) const;
};

class FaultPlan {
 public:
  // `links`: there are some that can be cut.
  FaultPlan(const Settings& settings, bool links);

  [[nodiscard]] Fault next();

 private:
  [[nodiscard]] FaultKind draw_kind();
  [[nodiscard]] Duration draw(Duration low, Duration high);

  Settings settings_;
  bool links_;
  base::Random random_;
  std::vector<FaultKind> deck_;
};

}  // namespace tidegate::soak
