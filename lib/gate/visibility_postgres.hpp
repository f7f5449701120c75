// The rule for PostgreSQL, where a cluster is a tree of timelines: each leaves its parent at a
// place in the log, and a server shows what lies on the way from the root to its own place.
//
// (PostgreSQL makes a commit visible inside redo and moves the replay LSN afterwards. A primary
// shows a change whose COMMIT has returned.)
#pragma once

#include "tidegate/position.hpp"
#include "tidegate/tide.hpp"

namespace tidegate::gate {

// Both of the same cluster.
[[nodiscard]] Visibility visibility_on_postgres(const Position& position, const Tide& tide);

}  // namespace tidegate::gate
