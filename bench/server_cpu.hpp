// The processor time that a PostgreSQL server has used, all its processes together: what a cure
// costs the owner of the database.
#pragma once

#include "support/server.hpp"

namespace tidegate::bench {

// Nanoseconds, from the kernel's scheduler. Those of processes that have ended are not in it, so
// take the difference over a time in which no session ends.
[[nodiscard]] double server_cpu(const support::Server& server);

}  // namespace tidegate::bench
