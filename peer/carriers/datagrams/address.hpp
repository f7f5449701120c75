// An address and port of UDP, of either family, as the system has it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <netinet/in.h>
#include <sys/socket.h>

namespace tidegate::datagrams {

struct Address {
  union {
    sockaddr any;
    sockaddr_in ipv4;
    sockaddr_in6 ipv6{};
  };
  socklen_t size = 0;

  // The sockets API takes every kind of address through this one pointer type.
  [[nodiscard]] sockaddr* generic() { return &any; }
  [[nodiscard]] const sockaddr* generic() const { return &any; }
  [[nodiscard]] bool is_ipv6() const { return any.sa_family == AF_INET6; }
  [[nodiscard]] std::uint16_t port() const;
  void set_port(std::uint16_t port);

  static constexpr socklen_t room = sizeof(sockaddr_in6);
};

// Host and port; of IPv6 the scope too, where both have one.
[[nodiscard]] bool same(const Address& a, const Address& b);

// Of a number, not of a name, which would have to be looked up. An IPv6 address may have a scope.
[[nodiscard]] std::optional<Address> parse_address(const std::string& host, std::uint16_t port);

}  // namespace tidegate::datagrams
