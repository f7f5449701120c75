// Where the status sockets of this host are, and what their names say.
//
// The file is <directory>/<mesh>-<name>.sock, where other characters than letters, digits, '.' and
// '_' (and in the name '-') are written as %XX. The directory belongs to its owner alone: whoever
// may enter it may read which peers there are, and nothing more.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tidegate/result.hpp"

namespace tidegate::status_socket {

// The facts that decide where the sockets are.
struct SocketPlaces {
  std::string runtime_directory;      // $RUNTIME_DIRECTORY: set by systemd for a service
  std::string xdg_runtime_directory;  // $XDG_RUNTIME_DIR: set for a login session
  std::uint32_t user = 0;
  std::vector<std::string> of_others;  // where other users have theirs; root looks there too
};
[[nodiscard]] SocketPlaces socket_places();  // of this process

// All directories where peers of this host may have their sockets; a new peer takes the first.
[[nodiscard]] std::vector<std::string> socket_directories(const SocketPlaces& places);

[[nodiscard]] std::string socket_file_name(const std::string& mesh, const std::string& name);

// A socket file that was found. The names are as the peer gave them.
struct PeerSocket {
  std::string path;
  std::string mesh;
  std::string name;
};

// Those in the directories, in the order of mesh and name. They may be stale.
[[nodiscard]] std::vector<PeerSocket> find_peer_sockets(
    const std::vector<std::string>& directories);

// Octal digits; nothing when it is no mode.
[[nodiscard]] std::optional<std::uint32_t> parse_mode(const std::string& text);

// Lets others connect to the socket: a group by name or number, and a mode. Empty ones: as it is;
// a group alone may connect. With `directory` also that is opened so far that they reach it. An
// error when the group is not known, or this user may not give it.
[[nodiscard]] std::optional<Error> share_socket(const std::string& path, const std::string& group,
                                                const std::string& mode, bool directory);

// Makes the directory if it is not there; an error when others than its owner could change it.
[[nodiscard]] std::optional<Error> prepare_socket_directory(const std::string& directory);

}  // namespace tidegate::status_socket
