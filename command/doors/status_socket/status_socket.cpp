#include "command/doors/status_socket/status_socket.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string_view>
#include <tuple>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace tidegate::status_socket {
namespace {

constexpr std::string_view suffix = ".sock";
constexpr std::size_t most_unfinished = 16;

std::string reason() { return std::strerror(errno); }

bool plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '_';
}

std::string escaped(const std::string& text, bool keep_dash) {
  std::string result;
  for (const char c : text) {
    if (plain(c) || (keep_dash && c == '-')) {
      result += c;
    } else {
      result += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return result;
}

std::string unescaped(std::string_view text) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size()) {
      result +=
          static_cast<char>(std::strtoul(std::string(text.substr(i + 1, 2)).c_str(), nullptr, 16));
      i += 2;
    } else {
      result += text[i];
    }
  }
  return result;
}

// The address of a path; an error when the path does not fit.
Result<sockaddr_un> address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    return Error{
        fmt::format("the socket path {} has {} bytes, and the system allows {}; name a "
                    "shorter one with --socket, or give a shorter --name",
                    path, path.size(), sizeof address.sun_path - 1)};
  }
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  return address;
}

const sockaddr* generic(const sockaddr_un& address) {
  return reinterpret_cast<const sockaddr*>(&address);
}

io::Descriptor new_socket() {
  return io::Descriptor(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
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

bool is_socket(const std::string& path) {
  struct stat info {};
  return lstat(path.c_str(), &info) == 0 && S_ISSOCK(info.st_mode);
}

bool watch(const io::Descriptor& epoll, int descriptor, std::uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.fd = descriptor;
  return epoll_ctl(epoll.get(), EPOLL_CTL_ADD, descriptor, &event) == 0;
}

// Writes what the socket takes; false when the client is done with, finished or gone.
bool write_some(const io::Descriptor& socket, std::string& rest) {
  while (!rest.empty()) {
    const auto sent = send(socket.get(), rest.data(), rest.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0) return errno == EAGAIN || errno == EINTR;
    rest.erase(0, static_cast<std::size_t>(sent));
  }
  return false;
}

std::string from_environment(const char* name) {
  const auto* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

}  // namespace

SocketPlaces socket_places() {
  return {.runtime_directory = from_environment("RUNTIME_DIRECTORY"),
          .xdg_runtime_directory = from_environment("XDG_RUNTIME_DIR"),
          .user = geteuid()};
}

std::vector<std::string> socket_directories(const SocketPlaces& places) {
  std::vector<std::string> directories;
  if (const auto& list = places.runtime_directory; !list.empty()) {
    directories.push_back(list.substr(0, list.find(':')));  // systemd writes several this way
  }
  if (!places.xdg_runtime_directory.empty()) {
    directories.push_back(places.xdg_runtime_directory + "/tidegate");
  }
  if (places.user == 0) directories.emplace_back("/run/tidegate");
  directories.push_back(fmt::format("/tmp/tidegate-{}", places.user));
  // Where a service has its socket; others can only look if they are allowed to.
  if (places.user != 0) directories.emplace_back("/run/tidegate");
  return directories;
}

std::string socket_file_name(const std::string& mesh, const std::string& name) {
  return escaped(mesh, false) + "-" + escaped(name, true) + std::string(suffix);
}

std::vector<PeerSocket> find_peer_sockets(const std::vector<std::string>& directories) {
  std::vector<PeerSocket> found;
  for (const auto& directory : directories) {
    std::error_code error;
    for (std::filesystem::directory_iterator entry(directory, error), end; !error && entry != end;
         entry.increment(error)) {
      const auto path = entry->path().string();
      const auto file = entry->path().filename().string();
      const auto dash = file.find('-');
      if (dash == std::string::npos || file.size() < dash + 1 + suffix.size() ||
          file.substr(file.size() - suffix.size()) != suffix || !is_socket(path)) {
        continue;
      }
      const auto name = file.substr(dash + 1, file.size() - suffix.size() - dash - 1);
      found.push_back({path, unescaped(file.substr(0, dash)), unescaped(name)});
    }
  }
  std::sort(found.begin(), found.end(), [](const PeerSocket& a, const PeerSocket& b) {
    return std::tie(a.mesh, a.name, a.path) < std::tie(b.mesh, b.name, b.path);
  });
  return found;
}

std::optional<Error> prepare_socket_directory(const std::string& directory) {
  if (mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) {
    return Error{"can't make the directory " + directory + ": " + reason()};
  }
  struct stat info {};
  if (lstat(directory.c_str(), &info) != 0) {
    return Error{"can't look at the directory " + directory + ": " + reason()};
  }
  // In /tmp somebody else may have been faster, to see or to spoof what we say.
  if (!S_ISDIR(info.st_mode) || info.st_uid != geteuid() || (info.st_mode & 0022U) != 0) {
    return Error{directory +
                 " is not a directory that only this user may change; remove it, or "
                 "name another place with --socket"};
  }
  return std::nullopt;
}

Result<StatusSocket> StatusSocket::open(const std::string& path) {
  const auto address = address_of(path);
  if (!address) return address.error();
  const auto refuse = [&] { return Error{"can't listen on " + path + ": " + reason()}; };

  auto listener = new_socket();
  io::Descriptor ready(epoll_create1(EPOLL_CLOEXEC));
  if (!listener || !ready) return refuse();
  const auto try_bind = [&] {
    return bind(listener.get(), generic(*address), sizeof *address) == 0;
  };
  if (!try_bind()) {
    if (errno != EADDRINUSE) return refuse();
    if (!is_socket(path)) {
      return Error{path +
                   " is there already and is not a socket; remove it, or name another place "
                   "with --socket"};
    }
    if (answers(*address)) {
      return Error{"another peer answers on " + path + "; give this one another --name"};
    }
    unlink(path.c_str());
    if (!try_bind()) return refuse();
  }
  constexpr int backlog = 16;
  if (chmod(path.c_str(), 0600) != 0 || listen(listener.get(), backlog) != 0 ||
      !watch(ready, listener.get(), EPOLLIN)) {
    const auto error = refuse();
    unlink(path.c_str());
    return error;
  }
  return StatusSocket(path, std::move(listener), std::move(ready), inode_of(path));
}

StatusSocket::StatusSocket(StatusSocket&& other) noexcept
    : path_(std::move(other.path_)),
      listener_(std::move(other.listener_)),
      ready_(std::move(other.ready_)),
      inode_(std::exchange(other.inode_, 0)),
      clients_(std::move(other.clients_)) {}

StatusSocket::~StatusSocket() {
  if (inode_ != 0 && inode_of(path_) == inode_) unlink(path_.c_str());
}

void StatusSocket::serve(const std::function<std::string()>& document) {
  for (auto client = clients_.begin(); client != clients_.end();) {
    client = write_some(client->socket, client->rest) ? client + 1 : clients_.erase(client);
  }
  accept_clients(document);
}

void StatusSocket::accept_clients(const std::function<std::string()>& document) {
  std::optional<std::string> text;
  for (std::size_t taken = 0; taken < most_unfinished; ++taken) {
    Client client{
        io::Descriptor(accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)),
        {}};
    if (!client.socket) return;  // nobody is waiting, or the client has gone again
    if (!text) text = document();
    client.rest = *text;
    if (!write_some(client.socket, client.rest)) continue;
    if (!watch(ready_, client.socket.get(), EPOLLOUT)) continue;
    if (clients_.size() == most_unfinished) clients_.pop_front();
    clients_.push_back(std::move(client));
  }
}

Result<std::variant<std::string, NobodyThere>> read_status(const std::string& path,
                                                           Duration timeout) {
  using Answer = std::variant<std::string, NobodyThere>;
  const auto address = address_of(path);
  if (!address) return address.error();
  const auto fail = [&](const std::string& what) {
    return Error{"can't ask the peer at " + path + ": " + what};
  };

  const auto socket = new_socket();
  if (!socket) return fail(reason());
  if (connect(socket.get(), generic(*address), sizeof *address) != 0) {
    if (errno == ECONNREFUSED && is_socket(path)) {
      unlink(path.c_str());  // may fail in another user's directory, which is no matter
      return Answer(NobodyThere{});
    }
    if (errno == ENOENT) return Answer(NobodyThere{});
    return fail(errno == EAGAIN ? "too many ask at once; try again" : reason());
  }
  const auto end = std::chrono::steady_clock::now() + timeout;
  std::string text;
  std::array<char, 65536> buffer{};
  while (true) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
    pollfd entry{socket.get(), POLLIN, 0};
    if (left.count() <= 0 || poll(&entry, 1, static_cast<int>(left.count())) == 0) {
      return fail("it does not answer; is it stopped or overloaded?");
    }
    const auto got = recv(socket.get(), buffer.data(), buffer.size(), 0);
    if (got == 0) return Answer(std::move(text));
    if (got > 0) text.append(buffer.data(), static_cast<std::size_t>(got));
    if (got < 0 && errno != EAGAIN && errno != EINTR) return fail(reason());
  }
}

}  // namespace tidegate::status_socket
