// Unix sockets of one host: to listen at a path, and to connect to one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "peer/io/descriptor.hpp"
#include "tidegate/result.hpp"

namespace tidegate::io {

// Listens at a path and removes the file in the end, if it is still its own.
class UnixListener {
 public:
  // Only this user may connect. A file whose owner is dead is replaced. Refused when somebody
  // answers there, when the file is no socket, or when the path is too long.
  [[nodiscard]] static Result<UnixListener> open(const std::string& path);

  UnixListener(UnixListener&& other) noexcept
      : path_(std::move(other.path_)),
        socket_(std::move(other.socket_)),
        inode_(std::exchange(other.inode_, 0)) {}
  UnixListener& operator=(UnixListener&&) = delete;
  ~UnixListener();

  // Readable while somebody waits to be accepted.
  [[nodiscard]] int descriptor() const { return socket_.get(); }
  [[nodiscard]] const std::string& path() const { return path_; }

  // The next one who waits, not blocking; empty when there is none.
  [[nodiscard]] Descriptor accept() const;

 private:
  UnixListener(std::string path, Descriptor socket, std::uint64_t inode)
      : path_(std::move(path)), socket_(std::move(socket)), inode_(inode) {}

  std::string path_;
  Descriptor socket_;
  std::uint64_t inode_ = 0;
};

// A connection that does not block; empty when nobody listens there. A socket file of the dead is
// removed then.
[[nodiscard]] Result<Descriptor> connect_to_unix(const std::string& path);

[[nodiscard]] bool is_socket_file(const std::string& path);

}  // namespace tidegate::io
