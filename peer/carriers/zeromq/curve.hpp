// CURVE, as the sockets of a keyed mesh have it. To be let in, a client must know the server's
// public key, which takes the secret of the mesh, and have a member's own key, which ZAP checks.
//
// A stranger gets in unless all three hold: a ZAP handler is bound, the domain of the socket is not
// empty, and it is enforced. So the handler is made before any socket listens, and the rest is
// proven at each start (stranger_check.hpp).
#pragma once

#include <cstddef>
#include <cstdint>

#include <zmq.hpp>

#include "lib/keys/keyring.hpp"

namespace tidegate::zeromq {

// New, of random bytes.
[[nodiscard]] keys::Secret draw_secret();

// Before it listens. Each connection is asked about, of whatever mechanism; older protocols, which
// have none, are refused.
void ask_doorkeeper(zmq::socket_t& socket);

// The same, and with that key.
void make_curve_server(zmq::socket_t& socket, const keys::Secret& secret);

// Before it connects; as this client, to a server with that key.
void make_curve_client(zmq::socket_t& socket, const keys::CurveKeys& client,
                       const keys::PublicKey& server);

// Lets members in and nobody else; without keys, whoever speaks ZMTP 3. One for each context, of
// which it must be the first socket.
class Doorkeeper {
 public:
  Doorkeeper(zmq::context_t& context, const keys::Keyring& keyring);

  [[nodiscard]] zmq::socket_t& socket() { return socket_; }

  // Answers so many questions at the most; false: there is none left.
  bool answer(int most);

  [[nodiscard]] std::uint64_t refused() const { return refused_; }

 private:
  bool answer_one();

  const keys::Keyring& keyring_;
  zmq::socket_t socket_;
  std::uint64_t refused_ = 0;
};

}  // namespace tidegate::zeromq
