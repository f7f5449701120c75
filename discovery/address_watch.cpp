#include "discovery/address_watch.hpp"

#include <array>
#include <utility>

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include "discovery/interfaces.hpp"

namespace tidegate::discovery {
namespace {

io::Descriptor open_socket() {
  io::Descriptor socket(
      ::socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, NETLINK_ROUTE));
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  address.nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR;
  const bool bound =
      socket && bind(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  return bound ? std::move(socket) : io::Descriptor();
}

// Messages that are lost for want of room (ENOBUFS) are no loss: the addresses are listed anew.
void drain(const io::Descriptor& socket) {
  std::array<char, 8192> buffer{};
  while (recv(socket.get(), buffer.data(), buffer.size(), 0) > 0) {
  }
}

}  // namespace

AddressWatch::AddressWatch(const std::vector<std::string>& interfaces) : socket_(open_socket()) {
  for (const auto& name : interfaces) links_.push_back({name, {}});
  look();
}

std::vector<AddressChange> AddressWatch::look() {
  drain(socket_);
  const auto all = list_interfaces();
  std::vector<AddressChange> changes;
  blind_ = !all.ok();
  if (blind_) return changes;
  for (auto& link : links_) {
    std::vector<std::string> now;
    for (const auto& interface : *all) {
      if (interface.name == link.interface && interface.up) now = interface.addresses;
    }
    if (now == link.addresses) continue;
    changes.push_back({link.interface, std::exchange(link.addresses, now), now});
  }
  return changes;
}

std::vector<std::string> AddressWatch::addresses() const {
  std::vector<std::string> all;
  for (const auto& link : links_) {
    all.insert(all.end(), link.addresses.begin(), link.addresses.end());
  }
  return all;
}

}  // namespace tidegate::discovery
