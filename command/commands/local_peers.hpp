// The peers that run on this host, found by their status sockets.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "command/doors/json_lines/json.hpp"
#include "command/doors/status_socket/places.hpp"
#include "command/subcommand.hpp"
#include "tidegate/result.hpp"

namespace tidegate::commands {

struct LocalPeers {
  std::vector<status_socket::PeerSocket> running;
  std::vector<std::string> places;  // where they were looked for
};

// Those that match --mesh, --name and --socket as far as these were given. Sockets that dead peers
// left behind are removed on the way.
[[nodiscard]] LocalPeers find_local_peers(const command::Invocation& invocation);

// The one that the command is about. An exit status: there is none, or there are several, and the
// log has said so.
[[nodiscard]] std::variant<status_socket::PeerSocket, int> choose_local_peer(
    const command::Invocation& invocation);

// Asks one for its status.
[[nodiscard]] Result<json_lines::PeerReport> ask_status(const status_socket::PeerSocket& peer);

}  // namespace tidegate::commands
