// Does the server that a peer reads show a position yet? The question of an application that has
// written on the primary and now reads on a replica: in another process, perhaps, that was given
// the position as a token (token.hpp).
//
// The rule is the gate's (ARCHITECTURE.md). `visible`, `orphaned`, `in_doubt` and `foreign` are
// told by the last reading of the server, without a query; anything else is asked, once for all
// who want to know.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "tidegate/export.hpp"
#include "tidegate/origin.hpp"

namespace tidegate {

enum class Covered : std::uint8_t {
  visible,   // a new snapshot on that server sees the change
  pending,   // not yet
  orphaned,  // never: a failover has undone the change, or that server has missed it
  in_doubt,  // a failover has undone it or not, which can't be told (Position::after)
  foreign,   // never: the change is of another cluster
  unknown,   // no server is read, or it does not answer
};

[[nodiscard]] TIDEGATE_EXPORT std::string_view to_string(Covered covered);

// Whose server is asked.
enum class Where : std::uint8_t {
  here,        // that of this peer
  everywhere,  // those of all members of the mesh
};

// The answer of one member. Without one, and while its server does not answer, `covered` is
// `unknown`.
struct MemberCovered {
  Origin origin;
  std::string name;
  std::string address;    // "host:port" of its direct socket; empty: the one that was asked
  bool answered = false;  // within the time
  bool reads = false;     // a server
  Covered covered = Covered::unknown;
};

}  // namespace tidegate
