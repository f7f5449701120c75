// Where the HTTP server of a peer listens, as an operator writes it: 127.0.0.1:15674,
// localhost:15674 or [::1]:15674; or systemd, for the sockets that the service manager hands over.
// On loopback it answers whoever reaches it. Elsewhere it wants a token, and speaks TLS where the
// peer has a certificate.
#pragma once

#include <optional>
#include <string_view>
#include <variant>

#include "lib/base/endpoint.hpp"
#include "tidegate/result.hpp"

namespace tidegate::http_door {

struct SystemdAddress {};
// TCP: the host is an address.
using Address = std::variant<base::Endpoint, SystemdAddress>;

[[nodiscard]] Result<Address> parse_address(std::string_view text);

// Why nothing may listen there; nothing: it may, or that is seen when the sockets are there.
[[nodiscard]] std::optional<Error> exposed(const Address& address, bool token);

}  // namespace tidegate::http_door
