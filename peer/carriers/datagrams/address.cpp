#include "peer/carriers/datagrams/address.hpp"

#include <cstring>

#include <netdb.h>

namespace tidegate::datagrams {

std::uint16_t Address::port() const { return ntohs(is_ipv6() ? ipv6.sin6_port : ipv4.sin_port); }

void Address::set_port(std::uint16_t port) {
  (is_ipv6() ? ipv6.sin6_port : ipv4.sin_port) = htons(port);
}

bool same(const Address& a, const Address& b) {
  if (a.any.sa_family != b.any.sa_family || a.port() != b.port()) return false;
  if (!a.is_ipv6()) return a.ipv4.sin_addr.s_addr == b.ipv4.sin_addr.s_addr;
  const auto scope_a = a.ipv6.sin6_scope_id;
  const auto scope_b = b.ipv6.sin6_scope_id;
  return std::memcmp(&a.ipv6.sin6_addr, &b.ipv6.sin6_addr, sizeof(in6_addr)) == 0 &&
         (scope_a == 0 || scope_b == 0 || scope_a == scope_b);
}

std::optional<Address> parse_address(const std::string& host, std::uint16_t port) {
  addrinfo hints{};
  hints.ai_flags = AI_NUMERICHOST;
  hints.ai_socktype = SOCK_DGRAM;
  addrinfo* found = nullptr;
  if (getaddrinfo(host.c_str(), nullptr, &hints, &found) != 0) return std::nullopt;
  Address address;
  address.size = found->ai_addrlen;
  std::memcpy(address.generic(), found->ai_addr, address.size);
  freeaddrinfo(found);
  address.set_port(port);
  return address;
}

}  // namespace tidegate::datagrams
