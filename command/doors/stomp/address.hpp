// Where a STOMP door listens, as an operator writes it:
//
//     unix:/run/app/door           a Unix socket
//     tcp:127.0.0.1:61613          a TCP port, on loopback only: STOMP here has no encryption
//     tcp:[::1]:61613
//     systemd                      the sockets that the service manager hands over
#pragma once

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

}  // namespace tidegate::stomp_door
