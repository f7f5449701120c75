// The proof at each start that the sockets of a keyed mesh let members in and nobody else. Whether
// CURVE is on depends on options that fail in silence, on how libzmq was built, and on an order
// (curve.hpp): a peer that relied on them unseen might be open to everybody.
#pragma once

#include <optional>

#include <zmq.hpp>

#include "lib/keys/keyring.hpp"
#include "peer/carriers/zeromq/curve.hpp"
#include "tidegate/result.hpp"

namespace tidegate::zeromq {

// Calls the server, which is set up and whose key this is, over an endpoint that it listens on for
// so long: as a member, as a stranger that knows the server's key, and without CURVE. An error
// tells which of them was treated wrongly. Takes some milliseconds.
[[nodiscard]] std::optional<Error> check_strangers(zmq::context_t& context, Doorkeeper& doorkeeper,
                                                   zmq::socket_t& server,
                                                   const keys::PublicKey& server_key,
                                                   const keys::CurveKeys& member);

}  // namespace tidegate::zeromq
