// The tide: what one server has replayed, and what that can mean for a message that waits there.
// lib/gate/visibility.hpp has the rule.
#pragma once

#include <cstdint>

#include "tidegate/export.hpp"
#include "tidegate/position.hpp"

namespace tidegate {

// One life of one server. A standby that crashed may come back with less than it had shown, so a
// reading counts only as long as its instance lives.
//
// Only equality means anything: clocks may be set back. One reader of a server names a life the
// same way all the time; another reader may have met it with younger statistics.
struct ServerIncarnation {
  ClusterId cluster = 0;
  std::int64_t started = 0;  // microseconds since 1970
  ServerKind kind = ServerKind::postgres;
  // Since when its statistics count, in microseconds since 1970: a recovery from the crash of a
  // backend, which may lose commits too, moves this and not the start. 0: not known.
  std::int64_t counted_since = 0;

  friend bool operator==(const ServerIncarnation&, const ServerIncarnation&) = default;
};

// A reading of a server that answers queries: all that its newest snapshots show.
struct Tide {
  ServerIncarnation incarnation;
  // Of the last replayed record, on a primary the current one. Read *after* `replayed`: a switch
  // between the two reads then makes the reading too modest, never too bold.
  History history;
  // An offset like that of a position: pg_last_wal_replay_lsn(), on a primary
  // pg_current_wal_insert_lsn(); without page header.
  std::uint64_t replayed = 0;

  [[nodiscard]] TimelineId timeline() const { return history.timeline(); }

  friend bool operator==(const Tide&, const Tide&) = default;
};

enum class Visibility : std::uint8_t {
  visible,   // a new snapshot on the server sees the change
  pending,   // not yet
  orphaned,  // never in this life of the server: its history goes another way
  in_doubt,  // its history has left the position's, perhaps before the change, perhaps behind it
  foreign,   // never: another cluster
};

}  // namespace tidegate
