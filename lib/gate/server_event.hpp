// The events that readers of servers tell (peer/servers/server.hpp). Each is an input of a node as
// it stands, so nobody translates it.
#pragma once

#include <optional>
#include <variant>
#include <vector>

#include "lib/gate/commit_position.hpp"
#include "tidegate/notice.hpp"
#include "tidegate/tide.hpp"
#include "tidegate/time.hpp"

namespace tidegate::gate {

// The answer to a read of the replay position.
struct ReplayPositionRead {
  std::optional<Tide> tide;  // none: the server could not tell just now, the last one still stands
  Instant asked = Instant::min();  // its question was put then
};

// The connection is being renewed, so what it has told counts no more. Another reading follows
// unasked, or ServerDown.
struct TideForgotten {};

// The answer to a query of the commit position, or to a nudge.
struct CommitPositionRead {
  CommitPosition reading;
};

using ServerEvent = std::variant<ServerUp, ReplayPositionRead, TideForgotten, ServerDown, PrimaryUp,
                                 CommitPositionRead, PrimaryDown, Warning>;
using ServerEvents = std::vector<ServerEvent>;

}  // namespace tidegate::gate
