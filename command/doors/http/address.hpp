// Where the HTTP server of a peer listens, as an operator writes it: 127.0.0.1:15674,
// localhost:15674 or [::1]:15674; or systemd, for the sockets that the service manager hands over.
// On loopback only: it has no encryption, and it answers whoever reaches it.
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

// Why it must not be served there; nothing: it may.
[[nodiscard]] std::optional<Error> exposed(const base::Endpoint& endpoint);

}  // namespace tidegate::http_door
