// All that the mesh wants of the world, as data: connections, frames and datagrams, and what the
// application should know. lib/node/event.hpp says in which order they are carried out.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "lib/base/endpoint.hpp"
#include "lib/mesh/announcement.hpp"
#include "lib/mesh/frame.hpp"
#include "tidegate/notice.hpp"

namespace tidegate::mesh {

// Names a connection that this peer dialled (a DEALER). Given by the roster, never used again.
using LinkId = std::uint32_t;

// Names a connection that was dialled from outside (a routing id of the ROUTER), until it breaks.
using RoutingId = std::string;

namespace effect {

struct Dial {
  LinkId link = 0;
  base::Endpoint endpoint;
  KeyId key = 0;  // with which it should answer; another one is tried when it does not
};
struct Undial {
  LinkId link = 0;
};
struct Resolve {  // the name of a host into addresses
  std::string host;
};
struct Follow {  // subscribe to a publisher, which has this key
  Origin publisher;
  base::Endpoint endpoint;
  StreamKey key{};
};
struct Unfollow {
  Origin publisher;
};
struct OpenPath {  // a socket for the datagrams of a publisher there
  Origin publisher;
  PathId path = 0;
  std::string host;
};
struct ClosePath {
  Origin publisher;
};
struct SubscribeShared {  // what goes to those without datagrams is wanted, or not any more
  Origin publisher;
  bool wanted = true;
};
struct Acknowledge {  // by datagram
  Origin publisher;
  DatagramAck ack;
};
struct AdmitPath {  // of a reader
  PathId path = 0;
  base::Endpoint endpoint;
  PathSecret secret{};
};
struct DropPath {
  PathId path = 0;
};
struct ProbePath {  // with a datagram of this size
  PathNumber number;
  std::uint32_t size = 0;
};
struct Remind {  // of the stream: by datagram, and alone over the connection
  std::vector<PathNumber> datagrams;
  std::vector<PeerId> alone;
  StreamFrame frame;
};
struct ToLink {
  LinkId link = 0;
  CallFrame frame;
};
struct ToRoute {
  RoutingId route;
  AnswerFrame frame;
};
struct Broadcast {  // to all that follow us
  StreamFrame frame;
};
struct Announce {  // on every interface
  Announcement announcement;
};
struct Notify {  // the application
  Notice notice;
};

}  // namespace effect

using Effect = std::variant<effect::Dial, effect::Undial, effect::Resolve, effect::Follow,
                            effect::Unfollow, effect::OpenPath, effect::ClosePath,
                            effect::SubscribeShared, effect::Acknowledge, effect::AdmitPath,
                            effect::DropPath, effect::ProbePath, effect::Remind, effect::ToLink,
                            effect::ToRoute, effect::Broadcast, effect::Announce, effect::Notify>;
using Effects = std::vector<Effect>;

}  // namespace tidegate::mesh
