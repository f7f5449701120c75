// How `tidegate status` reaches a running peer: a Unix socket for each peer of this host. A
// client that connects gets one JSON document (to_json(Status)) and the end of the stream; nothing
// is read.
//
// The file is <directory>/<mesh>-<name>.sock, where other characters than letters, digits, '.' and
// '_' (and in the name '-') are written as %XX. A file whose peer has died refuses connections, and
// whoever meets it removes it. The directory belongs to its owner alone: who may enter it may read
// which peers there are, and nothing more.
//
// A client that doesn't read costs the peer a bounded buffer and never waits: what does not fit the
// socket is kept and written later, and of too many such clients the oldest is dropped.
//
// Thread rule: one object belongs to one thread. Nothing here blocks except read_status().
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "peer/io/descriptor.hpp"
#include "tidegate/result.hpp"
#include "tidegate/time.hpp"

namespace tidegate::status_socket {

// The facts that decide where the sockets are.
struct SocketPlaces {
  std::string runtime_directory;      // $RUNTIME_DIRECTORY: set by systemd for a service
  std::string xdg_runtime_directory;  // $XDG_RUNTIME_DIR: set for a login session
  std::uint32_t user = 0;
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

// Makes the directory if it is not there; an error when others than its owner could change it.
[[nodiscard]] std::optional<Error> prepare_socket_directory(const std::string& directory);

class StatusSocket {
 public:
  // Listens; a stale file of that path is replaced. An error when another peer answers there, or
  // when the path is too long for a socket.
  static Result<StatusSocket> open(const std::string& path);

  StatusSocket(StatusSocket&& other) noexcept;
  StatusSocket& operator=(StatusSocket&&) = delete;
  ~StatusSocket();  // removes the file, if it is still its own

  // Readable while serve() has something to do.
  [[nodiscard]] int descriptor() const { return ready_.get(); }

  // Answers those who have connected; `document` is called at most once, and only if there is one.
  void serve(const std::function<std::string()>& document);

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::size_t unfinished() const { return clients_.size(); }

 private:
  struct Client {
    io::Descriptor socket;
    std::string rest;
  };

  StatusSocket(std::string path, io::Descriptor listener, io::Descriptor ready, std::uint64_t inode)
      : path_(std::move(path)),
        listener_(std::move(listener)),
        ready_(std::move(ready)),
        inode_(inode) {}

  void accept_clients(const std::function<std::string()>& document);

  std::string path_;
  io::Descriptor listener_;
  io::Descriptor ready_;  // epoll
  std::uint64_t inode_ = 0;
  std::deque<Client> clients_;
};

// Nobody listens: the peer is dead, and its file, if there was one, has been removed.
struct NobodyThere {};

// Connects and reads to the end, no longer than `timeout`.
[[nodiscard]] Result<std::variant<std::string, NobodyThere>> read_status(const std::string& path,
                                                                         Duration timeout);

}  // namespace tidegate::status_socket
