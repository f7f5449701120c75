// The tide: what one server has replayed, and the rule that decides what a message may do there.
//
// The rule lives here alone: a message is delivered only if `cover` says so, and `cover` looks at
// nothing but the message's position and one reading of the receiver's own server.
//
// 1. Nothing early: `covered` means that a snapshot taken on that server from now on sees the
//    change. (PostgreSQL makes a commit visible inside redo and moves the replay LSN afterwards.)
// 2. Nothing lost is shown: a position behind the point where its timeline was abandoned is
//    `orphaned` for good, however far the LSN has run since.
#pragma once

#include <cstdint>

#include "tidegate/position.hpp"

namespace tidegate {

// One life of one server. A standby that crashed may come back with less than it had shown, so a
// reading counts only as long as its instance lives.
struct ServerIncarnation {
  SystemId system = 0;
  // Its start, or its last recovery from the crash of a backend; microseconds since 1970.
  std::int64_t started = 0;

  friend bool operator==(const ServerIncarnation&, const ServerIncarnation&) = default;
};

// A reading of a server that answers queries: all that its newest snapshots show.
struct Tide {
  ServerIncarnation incarnation;
  // Of the last replayed record, on a primary the current one. Read *after* `replayed`: a switch
  // between the two reads then makes the reading too modest, never too bold.
  TimelineId timeline = 0;
  // pg_last_wal_replay_lsn(), on a primary pg_current_wal_insert_lsn(); without page header.
  Lsn replayed;
  TimelineHistory history;  // the ancestors of `timeline`

  friend bool operator==(const Tide&, const Tide&) = default;
};

enum class Visibility : std::uint8_t {
  visible,   // a new snapshot on the server sees the change
  pending,   // not yet
  orphaned,  // never: its timeline was abandoned before it
  foreign,   // never: another cluster
};

[[nodiscard]] Visibility visibility_of(const Position& position, const Tide& tide);

}  // namespace tidegate
