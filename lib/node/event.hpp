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
#include <utility>
#include <variant>
#include <vector>

#include "lib/gate/server_event.hpp"
#include "lib/mesh/announcement.hpp"
#include "lib/mesh/effects.hpp"
#include "lib/mesh/frame.hpp"
#include "tidegate/covered.hpp"
#include "tidegate/message.hpp"
#include "tidegate/notice.hpp"
#include "tidegate/survey.hpp"
#include "tidegate/tide.hpp"
#include "tidegate/topic.hpp"

namespace tidegate::node {

namespace input {

// A datagram of the beacon, and the address from which it came.
struct Heard {
  mesh::Announcement announcement;
  std::string host;
};
struct FromLink {  // the answer of a peer that we dialled
  mesh::LinkId link = 0;
  mesh::AnswerFrame frame;
};
struct FromRoute {  // from a peer that dialled us
  mesh::RoutingId route;
  std::string host;
  mesh::CallFrame frame;
};
struct FromStream {
  Origin publisher;  // whom we follow there; the frame may say that it is another's
  mesh::StreamFrame frame;
  std::optional<mesh::PathDatagram> datagram = {};  // by which it has come; else by a connection
};
// A datagram without a frame, of this publisher.
struct Probed {
  Origin publisher;
  mesh::PathDatagram datagram;
};
// A reader has acknowledged datagrams.
struct Acknowledged {
  mesh::PathId path = 0;
  mesh::DatagramAck ack;
};
// The system can't send there.
struct PathBroken {
  mesh::PathId path = 0;
};
// Answers effect OpenPath.
struct PathOpened {
  Origin publisher;
  mesh::PathId path = 0;
  mesh::PathSocket socket;
};
// The subscription to "@<peer id>" of a reader arrived, or went away with its connection.
struct Reader {
  PeerId peer;
  bool present = false;
};

// Answers effect Resolve.
struct Resolved {
  std::string host;
  std::vector<std::string> addresses;
  std::string trouble;  // why there are none
};

// To those behind an interface this peer is new.
struct InterfacesChanged {};

// The direct port answers with that key, and those links had a key that counts no more.
struct Rekeyed {
  mesh::KeyId key = 0;
  std::vector<mesh::LinkId> ended;
};

// The n-th of a node has ticket n.
struct Publish {
  Message message;
  Dependency dependency;
  bool acknowledged = false;  // a Received is wanted
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
// No primary is named, and the server that is read is a standby: messages that wait for a position
// come back, unless a primary was up before.
struct NoPrimary {};
// The operator says that the primary is right, whatever later histories were seen.
struct TrustPrimary {};
// Whether the server that is read shows the position, or those of all members do: answered by one
// Coverage with that ticket. Without a timeout, by the next reading at the latest.
struct Ask {
  Ticket ticket = 0;
  Position position;
  Duration timeout{};
  Where where = Where::here;
};
// Answers effect TestPort.
struct PortTested {
  base::Endpoint endpoint;
  PortAnswer answer = PortAnswer::no_answer;
};
// All members test their ways to each other: answered by one effect Surveyed, within some seconds.
struct SurveyMesh {};
// Follow the next message on these topics that a peer publishes: answered by one Traced with that
// ticket.
struct Trace {
  Ticket ticket = 0;
  Pattern pattern;  // as a TraceRequest may have it
  Duration timeout{};
};
// Say farewell. Messages still waiting for their position come back as Unpublished.
struct Leave {};

using gate::CommitPositionRead;  // answers effects QueryCommitPosition and Nudge, or PrimaryDown
                                 // does
using gate::ReplayPositionRead;  // answers effect Poll, or ServerDown does
using gate::TideForgotten;

struct TimePassed {};

}  // namespace input

// ServerUp, ServerDown, PrimaryUp, PrimaryDown and Warning are both: the node learns, and the
// application is told.
using Input = std::variant<input::Heard, input::FromLink, input::FromRoute, input::FromStream,
                           input::Probed, input::Acknowledged, input::PathBroken, input::PathOpened,
                           input::Reader, input::Resolved, input::InterfacesChanged, input::Rekeyed,
                           input::Publish, input::Subscribe, input::Unsubscribe, input::Demand,
                           input::NoPrimary, input::TrustPrimary, input::Ask, input::PortTested,
                           input::SurveyMesh, input::Trace, input::Leave, input::ReplayPositionRead,
                           input::TideForgotten, input::CommitPositionRead, input::TimePassed,
                           ServerUp, ServerDown, PrimaryUp, PrimaryDown, Warning>;

namespace effect {

using mesh::effect::Acknowledge;
using mesh::effect::AdmitPath;
using mesh::effect::Announce;
using mesh::effect::Broadcast;
using mesh::effect::ClosePath;
using mesh::effect::Dial;
using mesh::effect::DropPath;
using mesh::effect::Follow;
using mesh::effect::Notify;
using mesh::effect::OpenPath;
using mesh::effect::ProbePath;
using mesh::effect::Remind;
using mesh::effect::Resolve;
using mesh::effect::SubscribeShared;
using mesh::effect::ToLink;
using mesh::effect::ToRoute;
using mesh::effect::Undial;
using mesh::effect::Unfollow;
struct ReadReplayPosition {};   // ask the server how far it is
struct QueryCommitPosition {};  // ask the primary for a position
struct Nudge {};                // make the primary flush
// The server is no primary: leave it, and look for another one. A question under way is gone with
// it, and the node knows that it is down.
struct LeavePrimary {};
struct TestPort {  // connect to it, and look what it says
  base::Endpoint endpoint;
};
struct Surveyed {
  Survey survey;
};
struct Deliver {
  Deliver(Message&& message, const Origin& origin, const std::string& origin_name,
          std::uint64_t sequence, bool earlier = false, Duration held = {}, bool late = false)
      : delivery{std::move(message), origin, origin_name, sequence, held, late, earlier} {}

  Delivery delivery;
};

}  // namespace effect

using Effect =
    std::variant<effect::Dial, effect::Undial, effect::Resolve, effect::Follow, effect::Unfollow,
                 effect::OpenPath, effect::ClosePath, effect::SubscribeShared, effect::Acknowledge,
                 effect::AdmitPath, effect::DropPath, effect::ProbePath, effect::Remind,
                 effect::ToLink, effect::ToRoute, effect::Broadcast, effect::Announce,
                 effect::ReadReplayPosition, effect::QueryCommitPosition, effect::Nudge,
                 effect::LeavePrimary, effect::TestPort, effect::Surveyed, effect::Deliver,
                 effect::Notify>;
using Effects = std::vector<Effect>;

}  // namespace tidegate::node
