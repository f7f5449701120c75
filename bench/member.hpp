// How the processes of a bench join a mesh that nobody else is in: the port of its beacon names it,
// and they find each other by themselves.
#pragma once

#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#include "peer/peer.hpp"

namespace tidegate::bench {

// `options` for all that is not the mesh. Throws when the peer does not start.
inline std::unique_ptr<Peer> start_member(const std::string& port, Drive drive,
                                          Options options = {}) {
  options.mesh = "bench-" + port;
  options.beacon_port = static_cast<std::uint16_t>(std::stoi(port));
  auto peer = Peer::start(std::move(options), drive);
  if (!peer) throw std::runtime_error(peer.error().message);
  return std::move(*peer);
}

}  // namespace tidegate::bench
