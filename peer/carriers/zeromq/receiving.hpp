// Taking messages out of sockets, a bounded amount in each call, whatever has arrived.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

#include <zmq.hpp>

#include "peer/carriers/carrier.hpp"
#include "peer/carriers/zeromq/intake.hpp"

namespace tidegate::zeromq {

enum class Taken {
  nothing,  // the socket is empty
  message,  // its parts, but none beyond the third: no peer sends more
  rest,     // some of the parts behind those
};

// Reads one socket whose messages come whole: all but an XPUB.
class Inlet {
 public:
  // Whether CURVE seals the parts, and whether it is a ROUTER, which adds an envelope.
  Inlet(bool sealed, bool enveloped) : sealed_(sealed), enveloped_(enveloped) {}

  [[nodiscard]] Taken take(zmq::socket_t& socket, std::vector<zmq::message_t>& parts,
                           Intake& intake);

 private:
  bool sealed_;
  bool enveloped_;
  bool in_rest_ = false;
};

// Of an XPUB, which hands on the parts of all its callers mixed, and swallows some: each stands for
// itself. False: it is empty. Nothing is counted: it does not hand on the bytes that came.
[[nodiscard]] bool take_part(zmq::socket_t& socket, zmq::message_t& part, Intake& intake);

// A subscription that tells who makes it: 1 (comes) or 0 (goes), then "@" and the peer's id.
[[nodiscard]] std::optional<carriers::SubscriptionChange> subscription_in(std::string_view bytes);

// A subscription to a part of the stream, which says nothing of its reader.
[[nodiscard]] bool is_of_a_part(std::string_view bytes);

// Of a part, with what ZMTP adds to it.
[[nodiscard]] std::size_t bytes_on_wire(std::size_t size, bool sealed);

}  // namespace tidegate::zeromq
