// Notices to an application besides deliveries: who is there, and what it will not get.
//
// Those that it does not take wait, within bounds (options.hpp). A Sent, Received or Unpublished is
// never dropped: while too many wait, publish() answers queue_full. Nor is a Coverage or a Traced:
// while too many are open or wait, when_covered() and when_traced() answer too_many. Losses of one
// origin that follow each other become one Undelivered. Of all others at most `inbox_bytes` wait;
// the next ones are dropped, and a Warning in their place says how many, and of how many
// undelivered messages they told.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "tidegate/covered.hpp"
#include "tidegate/export.hpp"
#include "tidegate/message.hpp"
#include "tidegate/origin.hpp"
#include "tidegate/position.hpp"
#include "tidegate/tide.hpp"
#include "tidegate/topic.hpp"
#include "tidegate/traced.hpp"
#include "tidegate/trouble.hpp"

namespace tidegate {

// Messages flow in both directions from here on.
struct PeerReady {
  Origin origin;
  std::string name;
  std::string address;  // "host:port" of its direct socket
};

struct PeerGone {
  enum class Why : std::uint8_t {
    left,      // said farewell
    silent,    // said nothing for `gone_after`, or another peer answers at its address
    replaced,  // a later incarnation of the same peer is here
  };
  Origin origin;
  std::string name;
  Why why = Why::left;
  std::string address;  // "host:port" of its direct socket
};

// Messages that will not be delivered. Nothing goes missing without one of these, or without being
// counted by the Warning that stands for dropped notices.
struct Undelivered {
  enum class Why : std::uint8_t {
    missing,   // lost between the peers, and its publisher is gone
    expired,   // lost, and its publisher no longer keeps it
    orphaned,  // announces a change that a failover has undone
    in_doubt,  // a failover has undone its change or not, which can't be told (Position::after)
    foreign,   // announces a change of another PostgreSQL cluster
    overdue,   // was held for `overdue_after`, and overdue is drop
  };
  Origin origin;
  std::string name;
  std::uint64_t first = 0;  // sequences, both included
  std::uint64_t last = 0;
  Why why = Why::missing;
  std::optional<Position> position;  // of the last one, where it is known
  std::optional<Topic> topic;        // of a single message that had arrived
};

// A stream can't be resumed where Options::resume says, and begins as for a publisher that it does
// not name. Nothing is known of how much is lost.
struct NotResumed {
  enum class Why : std::uint8_t {
    ended,   // the peer has begun another stream, as after a reboot of its host: what it had
             // published from `next` on is lost
    behind,  // the stream has not come so far: its peer uses an older state file, and gives numbers
             // that were given before to other messages
  };
  Origin origin;  // the publisher, as the cursor names it
  std::string name;
  std::uint64_t next = 0;
  Why why = Why::ended;
};

// Announcements of an outbox that were lost for its reader (outbox.hpp), or come again. Their
// transactions are told, as the rows can't be read any more.
struct OutboxLost {
  enum class Why : std::uint8_t {
    removed,  // they were removed by age or size, and some may not have been read
    undone,   // a failover has undone them, or some of them; from the first on all come again
    foreign,  // the server is of another cluster: all its rows come
  };
  Why why = Why::removed;
  std::uint64_t first = 0;  // transaction ids of PostgreSQL (xid8), both included
  std::uint64_t last = 0;
};

// A message of this peer's own has its place in the stream and goes to the mesh. Comes only with
// Options::report_sent, once for each ticket that no Unpublished answers, in the order of the
// tickets, apart from those of NoChange{.apart = true}.
struct Sent {
  Ticket ticket = 0;
  std::uint64_t sequence = 0;
  std::optional<Position> position;  // of the change that it announces, if any
};

// Every peer that was ready when the message was sent has it in its memory now, held or given to
// its application, but for those that are named: so nothing that happens to this peer from here on
// keeps it from them. Comes once for each ticket of Publication::acknowledged that no Unpublished
// answers, behind its Sent, in the order of the sequences. A peer that is stopped, or whose
// held_bytes are full, is waited for; see Options::unsent_bytes for how many may wait.
struct Received {
  struct Without {
    enum class Why : std::uint8_t {
      gone,    // it had not answered when it was silent for `suspect_after`, or said farewell
      missed,  // it was lost on the way to that one, and is not retained any more
      left,    // it had not answered when this peer left
    };
    Origin origin;
    std::string name;
    Why why = Why::gone;

    friend bool operator==(const Without&, const Without&) = default;
  };
  Ticket ticket = 0;
  std::vector<Without> without;  // they may have the message, or not
};

// A message of this peer's own that was accepted and will never be sent. Where the primary was lost
// its change may be, too: look whether it is there, and publish again if it is.
struct Unpublished {
  enum class Why : std::uint8_t {
    primary_lost,  // the primary crashed or was replaced before it had named a safe position
    left,          // the peer left before the message could be sent
    no_primary,    // the server that is read has turned out to be a standby, and there is no other
    primary_outdated,  // its primary was none any more: a later history was seen (PrimaryDown)
    // AfterRead: the server that was read went away before it had said how far it was, and another
    // one, or a later life of it, may show less; or a failover has undone what was read.
    database_lost,
    // commit() made its position on another primary than the one that this peer asks, or in a life
    // of it that this peer has not met: nobody here can tell on which history the change is.
    other_primary,
  };
  Ticket ticket = 0;
  Why why = Why::primary_lost;
  Topic topic;
  std::string payload;
  Headers headers = {};
};

// The change of a message that this peer has sent was undone by a failover, or may be: its primary,
// or the server that it reads, has gone on along a history without it. Of messages that it retains,
// once for each. Those that have received the message and see the same are told so (Undelivered).
struct Undone {
  Ticket ticket = 0;
  std::uint64_t sequence = 0;
  Undelivered::Why why = Undelivered::Why::orphaned;  // or in_doubt: look whether it is there
  Topic topic;
  Position position;
};

// Answers when_covered(), once for each ticket.
struct Coverage {
  Ticket ticket = 0;
  // After the time is over `pending`, or `unknown` where no server could be asked. Of all members:
  // `visible` if each server of the position's cluster shows it, and one does; else the worst.
  Covered covered = Covered::unknown;
  std::vector<MemberCovered> members;  // with Where::everywhere; this peer is one of them
};

// The server that this application reads answers, or no longer does. While it is down messages are
// held. Another ServerUp without a ServerDown tells that `degraded` has changed.
struct ServerUp {
  ServerIncarnation incarnation;
  bool in_recovery = false;  // a replica; a promotion changes that without another ServerUp
  std::string description;   // for people: role, address, version, start time
  std::string degraded;      // empty, or which guarantee is missing, why, and the cure
};
struct ServerDown {
  std::string reason;
};

// The server on which positions are asked for. While it is down, publishing after a commit waits.
// Another PrimaryUp without a PrimaryDown tells that `degraded` or `history` has changed.
struct PrimaryUp {
  ServerIncarnation incarnation;
  std::string description;  // for people: address, version, start time
  std::string degraded;     // empty, or which guarantee is missing, why, and the cure
  History history;          // of its present timeline
};
struct PrimaryDown {
  std::string reason;
};

// Something an operator should know and can change.
struct Warning {
  std::string text;
};

using Notice = std::variant<PeerReady, PeerGone, Undelivered, NotResumed, OutboxLost, Sent,
                            Received, Unpublished, Undone, Coverage, Traced, ServerUp, ServerDown,
                            PrimaryUp, PrimaryDown, Warning, Trouble>;

// Everything that an application takes out of a peer, in order.
using Incoming = std::variant<Delivery, Notice>;

[[nodiscard]] TIDEGATE_EXPORT std::string_view to_string(PeerGone::Why why);
[[nodiscard]] TIDEGATE_EXPORT std::string_view to_string(Undelivered::Why why);
[[nodiscard]] TIDEGATE_EXPORT std::string_view to_string(NotResumed::Why why);
[[nodiscard]] TIDEGATE_EXPORT std::string_view to_string(OutboxLost::Why why);
[[nodiscard]] TIDEGATE_EXPORT std::string_view to_string(Received::Without::Why why);
[[nodiscard]] TIDEGATE_EXPORT std::string_view to_string(Unpublished::Why why);

}  // namespace tidegate
