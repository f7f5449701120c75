// The network interfaces of this host, as far as discovery and endpoints care. Beacons go over
// IPv4; what listens does so on both families.
//
// Interfaces are chosen by name and not by address, since a name survives a new lease. Nothing is
// chosen silently: a name that can't be used is an error that says what there is instead.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/ipv4.hpp"
#include "tidegate/result.hpp"

namespace tidegate::discovery {

struct Interface {
  std::string name;
  unsigned index = 0;  // the kernel's; one that was removed and made again gets another
  bool up = false;
  bool loopback = false;
  // The loopback interface carries multicast although Linux does not flag it so.
  bool multicast = false;
  std::optional<base::Ipv4> address;  // its first one, if it has any
  std::optional<base::Ipv4>
      broadcast;  // of that address; on loopback 127.255.255.255; none on a tunnel

  // All of both families that names can lead to: of IPv6 not those that hold on one link only.
  std::vector<std::string> addresses;

  friend bool operator==(const Interface&, const Interface&) = default;
};

// All interfaces, in the kernel's order, usable or not. Takes about 100 us with four of them.
[[nodiscard]] Result<std::vector<Interface>> list_interfaces();

// The interface of that name among `interfaces`. An error, which lists the usable ones, when there
// is none, or when it is down or has no IPv4 address.
[[nodiscard]] Result<Interface> choose_interface(const std::vector<Interface>& interfaces,
                                                 std::string_view name);

}  // namespace tidegate::discovery
