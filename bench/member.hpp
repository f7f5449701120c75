// How the processes of a bench join a mesh that nobody else is in. Its address is the port of its
// beacon, which names it, and how they are to reach each other: "29328/tcp". The rest they find by
// themselves.
#pragma once

#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#include "support/port.hpp"
#include "tidegate/peer.hpp"

namespace tidegate::bench {

[[nodiscard]] inline std::string mesh_address(LocalTransport transport) {
  return std::to_string(support::unused_port()) + "/" + std::string(to_string(transport));
}

// A Peer or a DrivenPeer; `options` for all that is not the mesh. Throws when the peer does not
// start.
template <typename SomePeer>
std::unique_ptr<SomePeer> start_member(const std::string& address, Options options = {}) {
  options.mesh = "bench-" + address;
  options.beacon_port = static_cast<std::uint16_t>(std::stoi(address));
  if (address.ends_with(to_string(LocalTransport::ipc))) {
    options.local_transport = LocalTransport::ipc;
  }
  auto peer = SomePeer::start(std::move(options));
  if (!peer) throw std::runtime_error(peer.error().message);
  return std::move(*peer);
}

// Throws when the others are not ready within `bound`.
inline void wait_for_readers(Peer& peer, std::size_t readers, Duration bound) {
  if (!peer.wait_ready(readers, std::chrono::ceil<std::chrono::milliseconds>(bound))) {
    throw std::runtime_error("the reader is not ready");
  }
}

}  // namespace tidegate::bench
