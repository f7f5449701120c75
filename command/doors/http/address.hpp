// Where the HTTP server of a peer listens, as an operator writes it: 127.0.0.1:15674,
// localhost:15674 or [::1]:15674. On loopback only: it has no encryption, and it answers whoever
// reaches it.
#pragma once

#include <string_view>

#include "lib/base/endpoint.hpp"
#include "tidegate/result.hpp"

namespace tidegate::http_door {

// The host is an address.
[[nodiscard]] Result<base::Endpoint> parse_address(std::string_view text);

}  // namespace tidegate::http_door
