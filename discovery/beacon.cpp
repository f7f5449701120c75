#include "discovery/beacon.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "lib/base/must.hpp"

namespace tidegate::discovery {
namespace {

// One turn's worth of datagrams that do not count.
constexpr int max_ignored_per_call = 64;

std::string error_text(int error) { return std::generic_category().message(error); }

in_addr to_in_addr(base::Ipv4 address) { return {htonl(address.value)}; }

sockaddr_in to_sockaddr(base::Ipv4 address, std::uint16_t port) {
  sockaddr_in result{};
  result.sin_family = AF_INET;
  result.sin_port = htons(port);
  result.sin_addr = to_in_addr(address);
  return result;
}

// The sockets API takes every kind of address through this one pointer type.
sockaddr* generic(sockaddr_in& address) { return reinterpret_cast<sockaddr*>(&address); }

template <typename Value>
bool set_option(int fd, int level, int name, const Value& value) {
  return setsockopt(fd, level, name, &value, sizeof value) == 0;
}

// Room for one control message with an in_pktinfo, aligned for its header.
struct PacketInfoBuffer {
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(in_pktinfo))> bytes;
};

// Where a received datagram came in and what it was addressed to.
std::optional<in_pktinfo> packet_info(msghdr& message) {
  for (auto* control = CMSG_FIRSTHDR(&message); control != nullptr;
       control = CMSG_NXTHDR(&message, control)) {
    if (control->cmsg_level != IPPROTO_IP || control->cmsg_type != IP_PKTINFO) continue;
    in_pktinfo info{};
    std::memcpy(&info, CMSG_DATA(control), sizeof info);
    return info;
  }
  return std::nullopt;
}

Result<io::Descriptor> bound_socket(std::uint16_t port) {
  io::Descriptor owner(socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const int fd = owner.get();
  // TTL 1: nothing leaves the link, not even a broadcast that a router would pass on.
  // That a host's own multicast comes back to it, for its other peers, is the default.
  if (!owner || !set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1) ||
      !set_option(fd, SOL_SOCKET, SO_BROADCAST, 1) || !set_option(fd, IPPROTO_IP, IP_PKTINFO, 1) ||
      !set_option(fd, IPPROTO_IP, IP_TTL, 1) || !set_option(fd, IPPROTO_IP, IP_MULTICAST_TTL, 1)) {
    return Error{"the beacon's socket can't be made: " + error_text(errno)};
  }
  auto address = to_sockaddr(base::Ipv4{INADDR_ANY}, port);
  if (bind(fd, generic(address), sizeof address) != 0) {
    const int error = errno;
    return Error{"the beacon can't use UDP port " + std::to_string(port) + ": " +
                 (error == EADDRINUSE
                      ? "a program that does not share it has it; stop that or choose another port"
                      : error_text(error))};
  }
  return owner;
}

bool is_multicast(base::Ipv4 address) { return address.value >> 28U == 0xEU; }

}  // namespace

Result<Beacon> Beacon::open(const BeaconOptions& options) {
  if (options.interfaces.empty()) {
    return Error{"the beacon has no interface; name at least one, such as 'lo'"};
  }
  if (!is_multicast(options.group)) {
    return Error{"the beacon's group " + to_string(options.group) +
                 " is not a multicast address; take one from 239.255.0.0 on"};
  }
  auto socket = bound_socket(options.port);
  if (!socket) return socket.error();
  sockaddr_in bound{};
  socklen_t size = sizeof bound;
  TIDEGATE_MUST(getsockname(socket->get(), generic(bound), &size) == 0);

  Beacon beacon(std::move(*socket), ntohs(bound.sin_port), options.group);
  std::string troubles;
  bool all_right = true;  // those that exist may be of use later
  for (const auto& name : options.interfaces) {
    Link link;
    link.interface.name = name;
    auto trouble = beacon.attach(link);
    all_right = all_right && if_nametoindex(name.c_str()) != 0;
    if (std::any_of(beacon.links_.begin(), beacon.links_.end(),
                    [&](const Link& other) { return other.interface.name == name; })) {
      trouble = "interface '" + name + "' is named twice; name it once";
      all_right = false;
    }
    if (!trouble.empty()) troubles += (troubles.empty() ? "" : "; ") + trouble;
    beacon.links_.push_back(std::move(link));
  }
  const bool usable = std::any_of(beacon.links_.begin(), beacon.links_.end(),
                                  [](const Link& link) { return link.attached; });
  if (!usable || !all_right) return Error{std::move(troubles)};
  return beacon;
}

std::vector<BeaconChange> Beacon::send(std::span<const std::byte> bytes) {
  TIDEGATE_MUST(bytes.size() <= Datagram::max_size);
  std::vector<BeaconChange> changes;
  for (auto& link : links_) {
    auto trouble = send_on(link, bytes);
    if (trouble == link.trouble) continue;
    link.trouble = std::move(trouble);
    changes.push_back({link.interface.name, link.trouble});
  }
  return changes;
}

void Beacon::refresh() {
  for (auto& link : links_) link.attached = false;
}

std::optional<Datagram> Beacon::receive() {
  for (int ignored = 0; ignored < max_ignored_per_call; ++ignored, ++ignored_) {
    Datagram datagram;
    sockaddr_in source{};
    PacketInfoBuffer control{};
    iovec part{datagram.buffer.data(), datagram.buffer.size()};
    msghdr message{};
    message.msg_name = &source;
    message.msg_namelen = sizeof source;
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.bytes.data();
    message.msg_controllen = sizeof control.bytes;
    const auto size = recvmsg(socket_.get(), &message, 0);
    if (size < 0) return std::nullopt;  // after a signal too: it is still readable then
    const auto info = packet_info(message);
    datagram.size = static_cast<std::size_t>(size);
    datagram.source = base::Ipv4{ntohl(source.sin_addr.s_addr)};
    if (!info || (message.msg_flags & MSG_TRUNC) != 0) continue;

    const auto link = std::find_if(links_.begin(), links_.end(), [&](const Link& l) {
      return std::cmp_equal(l.interface.index, info->ipi_ifindex);
    });
    if (link == links_.end()) continue;
    const base::Ipv4 destination{ntohl(info->ipi_addr.s_addr)};
    if (destination == group_) {
      datagram.path = BeaconPath::multicast;
    } else if (destination == link->interface.broadcast) {
      datagram.path = BeaconPath::broadcast;
    } else {
      continue;
    }
    datagram.interface = link->interface.name;
    return datagram;
  }
  return std::nullopt;
}

std::vector<Interface> Beacon::interfaces() const {
  std::vector<Interface> result;
  for (const auto& link : links_) result.push_back(link.interface);
  return result;
}

// Looks the interface up by its name and joins the group there. Returns the trouble, if any.
std::string Beacon::attach(Link& link) {
  const bool was_attached = std::exchange(link.attached, false);
  const auto all = list_interfaces();
  if (!all) return all.error().message;
  const auto found = choose_interface(*all, link.interface.name);
  if (!found) return found.error().message;
  if (!was_attached || *found != link.interface) {
    ip_mreqn membership{to_in_addr(group_), {}, static_cast<int>(link.interface.index)};
    // Left first even when the index is the same: the socket's own list of memberships outlives an
    // interface, so joining again would be refused while the new interface knows nothing of it.
    set_option(socket_.get(), IPPROTO_IP, IP_DROP_MEMBERSHIP, membership);
    link.interface = *found;
    membership.imr_ifindex = static_cast<int>(found->index);
    if (found->multicast && !set_option(socket_.get(), IPPROTO_IP, IP_ADD_MEMBERSHIP, membership)) {
      return "interface '" + found->name + "' refuses the group " + to_string(group_) + ": " +
             error_text(errno);
    }
  }
  link.attached = true;
  return "";
}

std::string Beacon::send_on(Link& link, std::span<const std::byte> bytes) {
  // An interface that comes back after a loss may look the same, index and all, and still has to be
  // joined.
  if (!link.attached) {
    if (auto gone = attach(link); !gone.empty()) return gone;
  }
  const auto& interface = link.interface;
  std::string trouble;
  for (const auto path : {BeaconPath::multicast, BeaconPath::broadcast}) {
    const auto destination = [&]() -> std::optional<base::Ipv4> {
      if (path == BeaconPath::broadcast) return interface.broadcast;
      return interface.multicast ? std::optional(group_) : std::nullopt;
    };
    if (!destination()) continue;
    int error = transmit(interface, *destination(), bytes);
    if (error != 0) {
      if (auto gone = attach(link); !gone.empty()) return gone;
      error = destination() ? transmit(interface, *destination(), bytes) : 0;
    }
    if (error == 0) continue;
    trouble += (trouble.empty() ? "" : "; ") + std::string("no ") +
               (path == BeaconPath::multicast ? "multicast" : "broadcast") + " from interface '" +
               interface.name + "': " + error_text(error);
  }
  return trouble;
}

// 0, or the errno.
int Beacon::transmit(const Interface& interface, base::Ipv4 destination,
                     std::span<const std::byte> bytes) const {
  PacketInfoBuffer control{};
  auto address = to_sockaddr(destination, port_);
  iovec part{const_cast<std::byte*>(bytes.data()), bytes.size()};
  msghdr message{};
  message.msg_name = &address;
  message.msg_namelen = sizeof address;
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.bytes.data();
  message.msg_controllen = sizeof control.bytes;

  in_pktinfo info{};
  info.ipi_ifindex = static_cast<int>(interface.index);
  info.ipi_spec_dst = to_in_addr(interface.address.value_or(base::Ipv4{}));
  auto* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = IPPROTO_IP;
  header->cmsg_type = IP_PKTINFO;
  header->cmsg_len = CMSG_LEN(sizeof info);
  std::memcpy(CMSG_DATA(header), &info, sizeof info);
  int error = EINTR;
  while (error == EINTR) error = sendmsg(socket_.get(), &message, 0) < 0 ? errno : 0;
  return error;
}

}  // namespace tidegate::discovery
