#include "peer/carriers/datagrams/sockets.hpp"

#include <array>

#include <netinet/in.h>
#include <sys/socket.h>

#include "lib/mesh/datagram.hpp"

namespace tidegate::datagrams {
namespace {

// A port to ask the system for the way: that of the discard protocol. Nothing is sent there.
constexpr std::uint16_t any_port = 9;

bool set_option(const io::Descriptor& socket, int level, int name, int value) {
  return setsockopt(socket.get(), level, name, &value, sizeof value) == 0;
}

// Of one family alone: an IPv4 address has a socket of its own.
io::Descriptor bare_socket(const Address& address) {
  io::Descriptor made(socket(address.any.sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (made && address.is_ipv6() && !set_option(made, IPPROTO_IPV6, IPV6_V6ONLY, 1)) return {};
  return made;
}

bool set_options(const io::Descriptor& socket, bool ipv6, bool errors) {
  if (ipv6) {
    return set_option(socket, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_DO) &&
           set_option(socket, IPPROTO_IPV6, IPV6_DONTFRAG, 1) &&
           (!errors || set_option(socket, IPPROTO_IPV6, IPV6_RECVERR, 1));
  }
  return set_option(socket, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO) &&
         (!errors || set_option(socket, IPPROTO_IP, IP_RECVERR, 1));
}

}  // namespace

std::optional<Address> own_address_towards(const Address& there) {
  const auto socket = bare_socket(there);
  auto target = there;
  if (target.port() == 0) target.set_port(any_port);
  if (!socket || connect(socket.get(), target.generic(), target.size) != 0) return std::nullopt;
  auto own = bound_to(socket);
  if (own) own->set_port(0);
  return own;
}

io::Descriptor open_socket(const Address& own, Errors errors) {
  auto socket = bare_socket(own);
  if (!socket || !set_options(socket, own.is_ipv6(), errors == Errors::by_address) ||
      bind(socket.get(), own.generic(), own.size) != 0) {
    return {};
  }
  return socket;
}

std::optional<Address> bound_to(const io::Descriptor& socket) {
  Address address;
  address.size = Address::room;
  if (getsockname(socket.get(), address.generic(), &address.size) != 0) return std::nullopt;
  return address;
}

std::uint32_t capacity_of(const io::Descriptor& socket) {
  int bytes = 0;
  socklen_t size = sizeof bytes;
  if (getsockopt(socket.get(), SOL_SOCKET, SO_RCVBUF, &bytes, &size) != 0 || bytes < 0) return 0;
  return static_cast<std::uint32_t>(bytes) / static_cast<std::uint32_t>(mesh::datagram_charge);
}

std::optional<Address> take_error(const io::Descriptor& socket) {
  Address to;
  std::array<char, 512> control{};  // the error itself says no more than the address does
  msghdr message{};
  message.msg_name = to.generic();
  message.msg_namelen = Address::room;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  if (recvmsg(socket.get(), &message, MSG_ERRQUEUE | MSG_DONTWAIT) < 0) return std::nullopt;
  to.size = message.msg_namelen;
  return to;
}

}  // namespace tidegate::datagrams
