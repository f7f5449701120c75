// Where a door listens for TCP, as an operator writes it: 127.0.0.1:61613, localhost:61613 or
// [::1]:61613. Names but localhost are none: a name may lead elsewhere tomorrow.
#pragma once

#include <optional>
#include <string_view>

#include "lib/base/endpoint.hpp"

namespace tidegate::doors {

// The host comes without brackets. Nothing: there is no port.
[[nodiscard]] std::optional<base::Endpoint> tcp_address(std::string_view text);

// Whether that address reaches this host alone; without brackets.
[[nodiscard]] bool is_loopback(std::string_view host);

}  // namespace tidegate::doors
