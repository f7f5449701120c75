// A message, what its publisher asks for, and what a receiver gets.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "tidegate/export.hpp"
#include "tidegate/headers.hpp"
#include "tidegate/origin.hpp"
#include "tidegate/position.hpp"
#include "tidegate/time.hpp"
#include "tidegate/topic.hpp"

namespace tidegate {

struct Message {
  Topic topic;
  std::string payload;  // any bytes
  // Of the change that it announces, if any: it is delivered only where that is visible.
  std::optional<Position> position;
  // The furthest that its publisher had published or been delivered before, unless `position`
  // implies it: the message waits for that as well, but not where it is lost. The publishing peer
  // fills it in.
  std::optional<Position> inherited;
  // In the order in which they were given. No two have one name; 64 at the most, with 8 KiB of
  // names and values together.
  Headers headers = {};

  friend bool operator==(const Message&, const Message&) = default;
};

// No change of its own: the message waits only for what its peer had published or been delivered
// before (Message::inherited), so that an answer never overtakes what it answers.
struct NoChange {
  // False: it keeps its place among the messages of its publisher, and waits with those before it
  // while the primary names no position. True: it goes at once, before those that wait.
  bool apart = false;
};

// Announces a change that was committed before publish() was called, by this process or another,
// on the primary that this peer knows.
struct AfterCommit {
  // False: correct whatever `synchronous_commit` was; the message is sent once the WAL written so
  // far is flushed. True: the committing session had `synchronous_commit` at local or stronger, so
  // the change is flushed already and the message is sent at once.
  bool durable = false;
};

// Announces no change of its own, but follows from what the application has read of the server that
// this peer reads: it is delivered only where all is visible that this server showed when publish()
// was called. NoChange does not promise that: a row that was read here may not be on the replica of
// a receiver yet, which then acts on what it can't see.
//
// Costs a question to that server, which serves all that wait for it, and keeps its place behind
// it. A failover that takes back what was read does not keep the message from anybody.
struct AfterRead {};

// The dependency of a message. A Position is one that the caller knows, for example from
// commit.hpp.
using Dependency = std::variant<NoChange, Position, AfterCommit, AfterRead>;

// All that can be said of a message when it is published.
struct Publication {
  Topic topic;
  std::string payload = {};
  Dependency dependency = NoChange{};
  Headers headers = {};  // as Message::headers
  // A Received answers, once every peer that was ready when the message was sent has it.
  bool acknowledged = false;
};

// Names one publish that a peer has accepted: 1 for the first of its life, and so on without a gap.
using Ticket = std::uint64_t;

// Of a delivery that comes from an outbox (outbox.hpp): the row that it is.
struct OutboxRow {
  Ticket ticket = 0;              // for OutboxSubscription::done()
  std::uint64_t transaction = 0;  // PostgreSQL's xid8
  std::uint64_t id = 0;           // of the row, unique in its table
  std::int64_t announced = 0;     // microseconds since 1970, by the clock of the primary

  friend bool operator==(const OutboxRow&, const OutboxRow&) = default;
};

struct Delivery {
  Message message;
  Origin origin;
  std::string origin_name;     // the human name of the publishing peer
  std::uint64_t sequence = 0;  // dense for each origin, from 1
  Duration held{};             // from arrival to delivery
  bool late = false;           // overdue: its change is not visible here (options.hpp, Overdue)
  // Published before this peer first met its publisher, which has retained it: it comes because of
  // Options::from or Options::resume.
  bool earlier = false;
  std::optional<OutboxRow> row = {};
};

}  // namespace tidegate
