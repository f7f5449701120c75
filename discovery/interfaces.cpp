#include "discovery/interfaces.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <system_error>
#include <utility>

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace tidegate::discovery {
namespace {

// nullopt for none, or for an address of another family.
std::optional<base::Ipv4> ipv4_of(const sockaddr* address) {
  if (address == nullptr || address->sa_family != AF_INET) return std::nullopt;
  sockaddr_in internet{};
  std::memcpy(&internet, address, sizeof internet);
  return base::Ipv4{ntohl(internet.sin_addr.s_addr)};
}

std::optional<base::Ipv4> broadcast_of(const ifaddrs& entry, base::Ipv4 address) {
  if ((entry.ifa_flags & IFF_BROADCAST) != 0) return ipv4_of(entry.ifa_broadaddr);
  // The kernel routes the loopback's broadcast address and yet does not name it.
  const auto mask = ipv4_of(entry.ifa_netmask);
  if ((entry.ifa_flags & IFF_LOOPBACK) == 0 || !mask || mask->value >= 0xFFFFFFFEU) return {};
  return base::Ipv4{address.value | ~mask->value};
}

// Empty for a family of no use here, and for an address of one link only.
std::string text_of(const sockaddr* address) {
  if (const auto ipv4 = ipv4_of(address)) return to_string(*ipv4);
  if (address == nullptr || address->sa_family != AF_INET6) return "";
  sockaddr_in6 internet{};
  std::memcpy(&internet, address, sizeof internet);
  if (IN6_IS_ADDR_LINKLOCAL(&internet.sin6_addr)) return "";
  std::array<char, INET6_ADDRSTRLEN> text{};
  const auto* written = inet_ntop(AF_INET6, &internet.sin6_addr, text.data(), text.size());
  return written == nullptr ? "" : written;
}

// The entry for `name` at the end of the list of interfaces, made if there is none.
Interface& entry_for(std::vector<Interface>& interfaces, const std::string& name) {
  const auto found = std::find_if(interfaces.begin(), interfaces.end(),
                                  [&](const Interface& i) { return i.name == name; });
  if (found != interfaces.end()) return *found;
  interfaces.push_back({.name = name});
  return interfaces.back();
}

bool usable(const Interface& interface) { return interface.up && interface.address.has_value(); }

std::string usable_ones(const std::vector<Interface>& interfaces) {
  std::string text;
  for (const auto& interface : interfaces) {
    if (!usable(interface)) continue;
    text +=
        (text.empty() ? "" : ", ") + interface.name + " (" + to_string(*interface.address) + ")";
  }
  return text.empty() ? "no interface of this host is up with an IPv4 address"
                      : "usable are: " + text;
}

}  // namespace

Result<std::vector<Interface>> list_interfaces() {
  ifaddrs* first = nullptr;
  if (getifaddrs(&first) != 0) {
    return Error{"the network interfaces can't be listed: " +
                 std::generic_category().message(errno)};
  }
  const std::unique_ptr<ifaddrs, decltype(&freeifaddrs)> owner(first, &freeifaddrs);

  std::vector<Interface> interfaces;
  for (const auto* entry = first; entry != nullptr; entry = entry->ifa_next) {
    // An address may carry a label, "eth0:1"; the interface is what stands before the colon.
    const std::string_view label = entry->ifa_name;
    auto& interface = entry_for(interfaces, std::string(label.substr(0, label.find(':'))));
    if (interface.index == 0) interface.index = if_nametoindex(interface.name.c_str());
    interface.up = (entry->ifa_flags & IFF_UP) != 0;
    interface.loopback = (entry->ifa_flags & IFF_LOOPBACK) != 0;
    interface.multicast = (entry->ifa_flags & (IFF_MULTICAST | IFF_LOOPBACK)) != 0;
    if (auto text = text_of(entry->ifa_addr); !text.empty()) {
      interface.addresses.push_back(std::move(text));
    }
    if (interface.address) continue;
    interface.address = ipv4_of(entry->ifa_addr);
    if (interface.address) interface.broadcast = broadcast_of(*entry, *interface.address);
  }
  return interfaces;
}

Result<Interface> choose_interface(const std::vector<Interface>& interfaces,
                                   std::string_view name) {
  const auto found = std::find_if(interfaces.begin(), interfaces.end(),
                                  [&](const Interface& i) { return i.name == name; });
  const auto* wrong = found == interfaces.end() ? "does not exist"
                      : !found->up              ? "is down"
                      : !found->address         ? "has no IPv4 address"
                                                : nullptr;
  if (wrong == nullptr) return *found;
  return Error{"interface '" + std::string(name) + "' " + wrong + "; " + usable_ones(interfaces)};
}

}  // namespace tidegate::discovery
