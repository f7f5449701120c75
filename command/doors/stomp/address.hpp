// Where a STOMP door listens, as an operator writes it:
//
//     unix:/run/app/door           a Unix socket
//     tcp:127.0.0.1:61613          a TCP port; another address than loopback wants TLS and a login
//     tcp:[::1]:61613
//     systemd                      the sockets that the service manager hands over
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "lib/base/endpoint.hpp"
#include "tidegate/result.hpp"

namespace tidegate::stomp_door {

struct UnixAddress {
  std::string path;

  friend bool operator==(const UnixAddress&, const UnixAddress&) = default;
};
struct SystemdAddress {
  friend bool operator==(const SystemdAddress&, const SystemdAddress&) = default;
};
// TCP: the host is an address.
using Address = std::variant<UnixAddress, base::Endpoint, SystemdAddress>;

[[nodiscard]] Result<Address> parse_address(std::string_view text);

// How clients of TCP ports are kept apart from strangers.
struct Protection {
  bool certificate = false;
  bool login = false;
};

// Why there must be no door at that address; nothing: there may be.
[[nodiscard]] std::optional<Error> exposed(const Address& address, const Protection& protection);

}  // namespace tidegate::stomp_door
