#include "peer/carriers/zeromq/connection_facts.hpp"

#include <array>
#include <cstddef>

#include <arpa/inet.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "peer/carriers/zeromq/sockets.hpp"

namespace tidegate::zeromq {
namespace {

// An address of any family, as the kernel fills it in; family 0: there is none.
sockaddr_storage address_by(decltype(&getsockname) call, int descriptor) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (call(descriptor, reinterpret_cast<sockaddr*>(&address), &size) != 0) address.ss_family = 0;
  return address;
}

std::uint16_t port_in(const sockaddr_storage& address) {
  if (address.ss_family == AF_INET) {
    return ntohs(reinterpret_cast<const sockaddr_in&>(address).sin_port);
  }
  if (address.ss_family == AF_INET6) {
    return ntohs(reinterpret_cast<const sockaddr_in6&>(address).sin6_port);
  }
  return 0;
}

}  // namespace

std::uint64_t cookie_of(int descriptor) {
  std::uint64_t cookie = 0;
  socklen_t size = sizeof cookie;
  return getsockopt(descriptor, SOL_SOCKET, SO_COOKIE, &cookie, &size) == 0 ? cookie : 0;
}

std::optional<std::uint64_t> received_by(int descriptor) {
  tcp_info info{};
  socklen_t size = sizeof info;
  if (getsockopt(descriptor, IPPROTO_TCP, TCP_INFO, &info, &size) != 0 ||
      size < offsetof(tcp_info, tcpi_bytes_received) + sizeof info.tcpi_bytes_received) {
    return std::nullopt;
  }
  return info.tcpi_bytes_received;
}

std::uint16_t local_port_of(int descriptor) { return port_in(address_by(getsockname, descriptor)); }

std::uint16_t remote_port_of(int descriptor) {
  return port_in(address_by(getpeername, descriptor));
}

std::string remote_address_of(int descriptor) {
  const auto address = address_by(getpeername, descriptor);
  std::array<char, INET6_ADDRSTRLEN> text{};
  const void* bytes = &reinterpret_cast<const sockaddr_in&>(address).sin_addr;
  if (address.ss_family == AF_INET6) {
    bytes = &reinterpret_cast<const sockaddr_in6&>(address).sin6_addr;
  } else if (address.ss_family != AF_INET) {
    return "this host";
  }
  (void)inet_ntop(address.ss_family, bytes, text.data(), text.size());
  return host_of(text.data());
}

std::string unix_name_of(int descriptor) {
  sockaddr_un address{};
  socklen_t size = sizeof address;
  if (getsockname(descriptor, reinterpret_cast<sockaddr*>(&address), &size) != 0 ||
      address.sun_family != AF_UNIX || size <= offsetof(sockaddr_un, sun_path)) {
    return "";
  }
  std::string name(address.sun_path, size - offsetof(sockaddr_un, sun_path));
  if (name[0] == '\0') name[0] = '@';  // in the abstract namespace
  return name;
}

std::optional<std::uint32_t> user_behind(int descriptor) {
  ucred user{};
  socklen_t size = sizeof user;
  if (getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &user, &size) != 0) return std::nullopt;
  return user.uid;
}

}  // namespace tidegate::zeromq
