// The peers that run on this host, found by their status sockets.
#pragma once

#include <string>
#include <vector>

#include "command.hpp"
#include "lib/result.hpp"
#include "lib/status.hpp"
#include "status_socket.hpp"

namespace tidegate {

struct LocalPeers {
  std::vector<PeerSocket> running;
  std::vector<std::string> places;  // where they were looked for
};

// Those that match --mesh, --name and --socket as far as these were given. What dead peers left
// behind is removed on the way.
[[nodiscard]] LocalPeers find_local_peers(const Invocation& invocation);

// Asks one for its status.
[[nodiscard]] Result<Status> ask_status(const PeerSocket& peer);

// The table in which several are offered.
[[nodiscard]] std::string choice_text(const std::vector<PeerSocket>& peers);

}  // namespace tidegate
