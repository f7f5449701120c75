// All that can happen to a peer and all that it can do about it, as data.
//
// The loop turns the world into inputs, hands them to Node::step one at a time, and carries out the
// effects in the order in which they stand. That order is the contract:
// - a Dial or Follow comes before anything that is sent over it;
// - what was published first is broadcast first;
// - a Deliver comes after every Deliver that precedes it in release order.
// The loop decides nothing. An effect that fails in the world (a full socket, a lost link) is a
// loss like any other, noticed by the sequences.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "announcement.hpp"
#include "frame.hpp"
#include "message.hpp"
#include "notice.hpp"
#include "tide.hpp"
#include "topic.hpp"
#include "wal_reading.hpp"

namespace tidegate {

// Names a connection that this peer dialled (a DEALER). Given by the node, never used again.
using LinkId = std::uint32_t;

// Names a connection that was dialled from outside (a routing id of the ROUTER), until it breaks.
using Route = std::string;

struct Endpoint {
  std::string host;  // an address or a name
  std::uint16_t port = 0;

  friend bool operator==(const Endpoint&, const Endpoint&) = default;
};

namespace input {

// A datagram of the beacon, and the address from which it came.
struct Heard {
  Announcement announcement;
  std::string host;
};
struct FromLink {  // from a peer that we dialled
  LinkId link = 0;
  Frame frame;
};
struct FromRoute {  // from one that dialled us
  Route route;
  std::string host;
  Frame frame;
};
struct FromStream {  // from some publisher that we follow
  Frame frame;
};
// The subscription to "@<peer id>" of a reader arrived, or went away with its connection.
struct Reader {
  PeerId peer;
  bool present = false;
};

struct Publish {
  Message message;
  Tag tag;
};
struct Subscribe {
  Pattern pattern;
};
struct Unsubscribe {
  Pattern pattern;
};
// The application takes deliveries, or for the moment no more.
struct Demand {
  bool open = true;
};
// Say farewell. Messages still waiting for their position come back as Unpublished.
struct Leave {};

struct Polled {              // answers effect Poll, unless a ServerDown does
  std::optional<Tide> tide;  // none: the server could not tell just now
};
struct Asked {  // answers effect Ask and effect Nudge, unless a PrimaryDown does
  WalReading reading;
};

struct TimePassed {};

}  // namespace input

// ServerUp, ServerDown, PrimaryUp, PrimaryDown and Warning are both: the node learns, and the
// application is told.
using Input =
    std::variant<input::Heard, input::FromLink, input::FromRoute, input::FromStream, input::Reader,
                 input::Publish, input::Subscribe, input::Unsubscribe, input::Demand, input::Leave,
                 input::Polled, input::Asked, input::TimePassed, ServerUp, ServerDown, PrimaryUp,
                 PrimaryDown, Warning>;

namespace effect {

struct Dial {
  LinkId link = 0;
  Endpoint endpoint;
};
struct Undial {
  LinkId link = 0;
};
struct Follow {  // subscribe to a publisher
  Endpoint endpoint;
};
struct Unfollow {
  Endpoint endpoint;
};
struct ToLink {
  LinkId link = 0;
  Frame frame;
};
struct ToRoute {
  Route route;
  Frame frame;
};
struct Broadcast {  // to all that follow us
  Frame frame;
};
struct Announce {  // on every interface
  Announcement announcement;
};
struct Poll {};   // ask the server how far it is
struct Ask {};    // ask the primary for a position
struct Nudge {};  // make the primary flush
struct Deliver {
  Delivery delivery;
};
struct Notify {
  Notice notice;
};

}  // namespace effect

using Effect =
    std::variant<effect::Dial, effect::Undial, effect::Follow, effect::Unfollow, effect::ToLink,
                 effect::ToRoute, effect::Broadcast, effect::Announce, effect::Poll, effect::Ask,
                 effect::Nudge, effect::Deliver, effect::Notify>;
using Effects = std::vector<Effect>;

}  // namespace tidegate
