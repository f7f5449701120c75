#include "command/doors/tcp_address.hpp"

#include <algorithm>
#include <cstdint>

#include "lib/base/decimal.hpp"
#include "lib/base/ipv4.hpp"

namespace tidegate::doors {

std::optional<base::Endpoint> tcp_address(std::string_view text) {
  const auto colon = std::min(text.rfind(':'), text.size());
  const auto port =
      base::parse_number<std::uint16_t>(text.substr(std::min(colon + 1, text.size())));
  if (port.value_or(0) == 0) return std::nullopt;
  auto host = text.substr(0, colon);
  if (host == "localhost") host = "127.0.0.1";
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  return base::Endpoint{std::string(host), *port};
}

bool is_loopback(std::string_view host) {
  const auto ipv4 = base::parse_ipv4(host);
  return host == "::1" || (ipv4 && ipv4->value >> 24U == 127);
}

}  // namespace tidegate::doors
