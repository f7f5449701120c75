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
                            effect::Unfollow, effect::ToLink, effect::ToRoute, effect::Broadcast,
                            effect::Announce, effect::Notify>;
using Effects = std::vector<Effect>;

}  // namespace tidegate::mesh
