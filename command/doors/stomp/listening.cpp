#include "command/doors/stomp/listening.hpp"

#include <cerrno>
#include <cstring>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "command/doors/activated_sockets.hpp"
#include "command/doors/status_socket/places.hpp"

namespace tidegate::stomp_door {
namespace {

constexpr int backlog = 64;

std::string reason() { return std::strerror(errno); }

// Room for each kind of address.
union SocketAddress {
  sockaddr generic;
  sockaddr_in v4;
  sockaddr_in6 v6;
  sockaddr_un local;
};

// "127.0.0.1:61613"; empty: it is no TCP.
std::string text_of(const SocketAddress& address) {
  std::string host(INET6_ADDRSTRLEN, '\0');
  const bool v6 = address.generic.sa_family == AF_INET6;
  if (!v6 && address.generic.sa_family != AF_INET) return "";
  const void* from = v6 ? static_cast<const void*>(&address.v6.sin6_addr) : &address.v4.sin_addr;
  if (inet_ntop(address.generic.sa_family, from, host.data(), INET6_ADDRSTRLEN) == nullptr) {
    return "";
  }
  host.resize(std::strlen(host.c_str()));
  return to_string(base::Endpoint{host, ntohs(v6 ? address.v6.sin6_port : address.v4.sin_port)});
}

std::string own_address(int socket) {
  SocketAddress address{};
  socklen_t size = sizeof address;
  return getsockname(socket, &address.generic, &size) == 0 ? text_of(address) : "";
}

Result<Listening> listen_tcp(const base::Endpoint& endpoint) {
  const auto place = to_string(endpoint);
  const auto refuse = [&] { return Error{"can't listen on " + place + ": " + reason()}; };
  SocketAddress address{};
  socklen_t size = 0;
  if (endpoint.host.find(':') == std::string::npos) {
    address.v4.sin_family = AF_INET;
    address.v4.sin_port = htons(endpoint.port);
    size = sizeof address.v4;
    inet_pton(AF_INET, endpoint.host.c_str(), &address.v4.sin_addr);
  } else {
    address.v6.sin6_family = AF_INET6;
    address.v6.sin6_port = htons(endpoint.port);
    size = sizeof address.v6;
    inet_pton(AF_INET6, endpoint.host.c_str(), &address.v6.sin6_addr);
  }
  io::Descriptor listener(
      socket(address.generic.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const int on = 1;
  if (!listener || setsockopt(listener.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
      bind(listener.get(), &address.generic, size) != 0 || listen(listener.get(), backlog) != 0) {
    return refuse();
  }
  return Listening(std::move(listener), place, true);
}

Result<std::vector<Listening>> take_from_systemd(const Protection& protection) {
  auto sockets = doors::take_activated(doors::ActivatedFor::stomp);
  if (!sockets) return sockets.error();
  std::vector<Listening> all;
  for (auto& socket : *sockets) {
    const auto place = own_address(socket.get());
    if (!place.empty()) {
      const auto address = parse_address("tcp:" + place);
      if (!address) return address.error();
      if (const auto open = exposed(*address, protection)) return *open;
    }
    all.emplace_back(std::move(socket), place.empty() ? "a socket of systemd" : place,
                     !place.empty());
  }
  return all;
}

struct Listen {
  const Sharing& sharing;
  const Protection& protection;

  Result<std::vector<Listening>> operator()(const UnixAddress& address) const {
    auto listener = io::UnixListener::open(address.path);
    if (!listener) return listener.error();
    auto refused = status_socket::share_socket(address.path, sharing.group, sharing.mode, false);
    if (refused) return *refused;
    std::vector<Listening> one;
    one.emplace_back(std::move(listener).value());
    return one;
  }
  Result<std::vector<Listening>> operator()(const base::Endpoint& endpoint) const {
    auto listening = listen_tcp(endpoint);
    if (!listening) return listening.error();
    std::vector<Listening> one;
    one.push_back(std::move(listening).value());
    return one;
  }
  Result<std::vector<Listening>> operator()(SystemdAddress) const {
    return take_from_systemd(protection);
  }
};

}  // namespace

io::Descriptor Listening::accept() const {
  if (unix_) return unix_->accept();
  io::Descriptor client(accept4(socket_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  const int on = 1;  // frames are small, and each is waited for; a Unix socket refuses it
  if (client) setsockopt(client.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return client;
}

Result<std::vector<Listening>> listen_at(const Address& address, const Sharing& sharing,
                                         const Protection& protection) {
  return std::visit(Listen{sharing, protection}, address);
}

std::string client_of(const io::Descriptor& socket) {
  SocketAddress address{};
  socklen_t size = sizeof address;
  if (getpeername(socket.get(), &address.generic, &size) == 0) {
    auto text = text_of(address);
    if (!text.empty()) return text;
  }
  ucred credentials{};
  size = sizeof credentials;
  if (getsockopt(socket.get(), SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) return "unknown";
  return "process " + std::to_string(credentials.pid);
}

}  // namespace tidegate::stomp_door
