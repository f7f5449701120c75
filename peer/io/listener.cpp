#include "peer/io/listener.hpp"

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <optional>

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

// Which file it is. Its number alone is given to another one soon.
struct Identity {
  ino_t inode = 0;
  std::int64_t seconds = 0;
  std::int64_t nanoseconds = 0;

  friend bool operator==(const Identity&, const Identity&) = default;
};

Identity identity_of(const std::string& path) {
  struct stat info {};
  if (lstat(path.c_str(), &info) != 0) return {};
  return {info.st_ino, info.st_ctim.tv_sec, info.st_ctim.tv_nsec};
}

// Of one that was found dead. Another peer may have put its own there meanwhile. False: it can't be
// removed.
bool remove_dead(const std::string& path, const Identity& found) {
  return identity_of(path) != found || unlink(path.c_str()) == 0 || errno == ENOENT;
}

// As a second name of a socket that listens. A file there whose owner is dead makes room.
std::optional<Error> give_name(const std::string& made, const std::string& path) {
  const auto address = address_of(path);
  while (link(made.c_str(), path.c_str()) != 0) {
    if (errno != EEXIST) return Error{"can't listen on " + path + ": " + reason()};
    if (!is_socket_file(path)) {
      return Error{path +
                   " is there already and is not a socket; remove it, or name another place"};
    }
    const auto found = identity_of(path);
    if (answers(*address)) return Error{"another peer answers on " + path};
    if (!remove_dead(path, found)) return Error{"can't listen on " + path + ": " + reason()};
  }
  return std::nullopt;
}

}  // namespace

Result<UnixListener> UnixListener::open(const std::string& path) {
  const auto address = address_of(path);
  if (!address) return address.error();
  const auto refuse = [&] { return Error{"can't listen on " + path + ": " + reason()}; };

  // It gets its name when it listens: a client that met it earlier would take it for one of the
  // dead, and remove it.
  const auto made = std::filesystem::path(path).parent_path() / ("." + std::to_string(getpid()));
  const auto made_address = address_of(made);
  if (!made_address) return made_address.error();
  unlink(made.c_str());
  auto listener = new_socket();
  constexpr int backlog = 16;
  if (!listener || bind(listener.get(), generic(*made_address), sizeof *made_address) != 0) {
    return refuse();
  }
  auto trouble = chmod(made.c_str(), 0600) != 0 || listen(listener.get(), backlog) != 0
                     ? std::optional(refuse())
                     : give_name(made, path);
  unlink(made.c_str());
  if (trouble) return *trouble;
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
  const auto found = identity_of(path);
  if (connect(socket.get(), generic(*address), sizeof *address) == 0) return socket;
  if (errno == ECONNREFUSED && is_socket_file(path)) {
    (void)remove_dead(path, found);  // may fail in another user's directory, which is no matter
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
