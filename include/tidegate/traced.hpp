// Why did that message take so long? One message, followed from its publisher to each peer that
// gets it, with the time of each step. DrivenPeer::when_traced() asks for it.
//
// The times of one receiver add up to the whole, from publish() to the delivery there. The clocks
// of two hosts are compared by the round trip of a question, so a way between them may be wrong by
// half of that, which is told.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tidegate/export.hpp"
#include "tidegate/message.hpp"
#include "tidegate/origin.hpp"
#include "tidegate/time.hpp"
#include "tidegate/topic.hpp"

namespace tidegate {

// In the order in which a message takes them; the first three at its publisher.
enum class TracedStep : std::uint8_t {
  publish,   // accepted by its peer, until the primary is asked for its position, or it is sent
  position,  // until the primary has answered
  send,      // until that position is flushed, the messages before it are sent, and so is this one
  arrival,   // the way, until the receiver's peer has it
  gap,       // until the messages before it have come, and the gate has room
  held,      // until the reading of the receiver's server is asked for that shows the change
  poll,      // that reading
  delivery,  // until the application is given it, which may have been full
};

struct TracedTime {
  TracedStep step = TracedStep::publish;
  Duration took{};

  friend bool operator==(const TracedTime&, const TracedTime&) = default;
};

enum class TracedFate : std::uint8_t {
  under_way,  // the last of the steps is not over; it took so long until now
  delivered,
  late,      // delivered, though its change was not visible yet (options.hpp, Overdue)
  unwanted,  // the application has not subscribed to its topic
  unseen,    // it had come and gone before it could be followed
  missing,   // and the others as Undelivered::Why
  expired,
  orphaned,
  in_doubt,
  foreign,
  overdue,
  unanswered,  // nothing is known: the peer does not answer, or is of an older version
  refused,     // nothing is known: the peer follows too many messages already
};

struct TracedReceiver {
  Origin origin;
  std::string name;
  std::string address;  // "host:port" of its direct socket; empty: the peer that was asked
  TracedFate fate = TracedFate::unanswered;
  std::vector<TracedTime> steps;  // those at the publisher too; of some fates there are none
  // Of the arrival, and so of the whole: it took as much more or less. 0: the clock is the same.
  Duration clock_error{};
};

// Answers when_traced(), once for each ticket.
struct Traced {
  enum class Fate : std::uint8_t {
    none,       // nothing was published that matches
    under_way,  // it waits to be sent
    sent,
    primary_lost,  // not sent, and the others as Unpublished::Why
    left,
    no_primary,
    primary_outdated,
    database_lost,
    other_primary,
  };
  Ticket ticket = 0;
  Fate fate = Fate::none;
  std::optional<Topic> topic = {};  // and all below: none, where nothing was published
  Origin origin = {};               // of its publisher
  std::string name = {};
  std::uint64_t sequence = 0;          // 0: not sent
  std::vector<TracedTime> steps = {};  // at the publisher alone
  std::vector<TracedReceiver> receivers = {};
};

[[nodiscard]] TIDEGATE_EXPORT std::string_view to_string(TracedStep step);
[[nodiscard]] TIDEGATE_EXPORT std::string_view to_string(TracedFate fate);
[[nodiscard]] TIDEGATE_EXPORT std::string_view to_string(Traced::Fate fate);

}  // namespace tidegate
