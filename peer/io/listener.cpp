#include "peer/io/listener.hpp"

#include <cerrno>
#include <cstring>

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace tidegate::io {
namespace {

std::string reason() { return std::strerror(errno); }

// The address of a path; an error when the path does not fit.
Result<sockaddr_un> address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    return Error{"the socket path " + path + " has " + std::to_string(path.size()) +
                 " bytes, and the system allows " + std::to_string(sizeof address.sun_path - 1)};
  }
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  return address;
}

const sockaddr* generic(const sockaddr_un& address) {
  return reinterpret_cast<const sockaddr*>(&address);
}

Descriptor new_socket() {
  return Descriptor(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
}

// Whether somebody listens there. A full backlog (EAGAIN) is somebody.
bool answers(const sockaddr_un& address) {
  const auto probe = new_socket();
  return connect(probe.get(), generic(address), sizeof address) == 0 || errno == EAGAIN;
}

std::uint64_t inode_of(const std::string& path) {
  struct stat info {};
  return lstat(path.c_str(), &info) == 0 ? info.st_ino : 0;
}

}  // namespace

Result<UnixListener> UnixListener::open(const std::string& path) {
  const auto address = address_of(path);
  if (!address) return address.error();
  const auto refuse = [&] { return Error{"can't listen on " + path + ": " + reason()}; };

  auto listener = new_socket();
  if (!listener) return refuse();
  const auto try_bind = [&] {
    return bind(listener.get(), generic(*address), sizeof *address) == 0;
  };
  if (!try_bind()) {
    if (errno != EADDRINUSE) return refuse();
    if (!is_socket_file(path)) {
      return Error{path +
                   " is there already and is not a socket; remove it, or name another place"};
    }
    if (answers(*address)) return Error{"another peer answers on " + path};
    unlink(path.c_str());
    if (!try_bind()) return refuse();
  }
  constexpr int backlog = 16;
  if (chmod(path.c_str(), 0600) != 0 || listen(listener.get(), backlog) != 0) {
    const auto error = refuse();
    unlink(path.c_str());
    return error;
  }
  return UnixListener(path, std::move(listener), inode_of(path));
}

UnixListener::~UnixListener() {
  if (inode_ != 0 && inode_of(path_) == inode_) unlink(path_.c_str());
}

Descriptor UnixListener::accept() const {
  return Descriptor(accept4(socket_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
}

Result<Descriptor> connect_to_unix(const std::string& path) {
  const auto address = address_of(path);
  if (!address) return address.error();
  auto socket = new_socket();
  if (!socket) return Error{reason()};
  if (connect(socket.get(), generic(*address), sizeof *address) == 0) return socket;
  if (errno == ECONNREFUSED && is_socket_file(path)) {
    unlink(path.c_str());  // may fail in another user's directory, which is no matter
    return Descriptor();
  }
  if (errno == ENOENT) return Descriptor();
  return Error{errno == EAGAIN ? "too many ask at once; try again" : reason()};
}

bool is_socket_file(const std::string& path) {
  struct stat info {};
  return lstat(path.c_str(), &info) == 0 && S_ISSOCK(info.st_mode);
}

}  // namespace tidegate::io
