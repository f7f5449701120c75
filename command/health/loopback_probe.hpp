// Can this host hear its own announcements? `tidegate doctor` asks, because a firewall or a virtual
// network that swallows multicast or broadcast shows in no error, only in peers that never meet.
#pragma once

#include <string>

#include "tidegate/result.hpp"
#include "tidegate/time.hpp"

namespace tidegate::health {

struct LoopbackProbe {
  bool multicast = false;
  bool broadcast = false;  // false as well where the interface has no broadcast address
  std::string trouble;     // why the probe could not be sent one way; empty: it could
};

// Sends a probe with a random content on that interface, to a free port that no peer listens to,
// and listens for it; returns when it was heard both ways, at the latest after `bound`. Blocks. A
// firewall that opens only the beacon's own port makes it deaf while peers hear each other.
[[nodiscard]] Result<LoopbackProbe> probe_loopback(const std::string& interface, Duration bound);

}  // namespace tidegate::health
