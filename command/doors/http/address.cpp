#include "command/doors/http/address.hpp"

#include <string>

#include "command/doors/tcp_address.hpp"

namespace tidegate::http_door {

Result<Address> parse_address(std::string_view text) {
  if (text == "systemd") return Address(SystemdAddress{});
  const auto endpoint = doors::tcp_address(text);
  if (!endpoint) {
    return Error{"'" + std::string(text) + "' has no port; write 127.0.0.1:15674 or systemd"};
  }
  if (const auto open = exposed(*endpoint)) return *open;
  return Address(*endpoint);
}

std::optional<Error> exposed(const base::Endpoint& endpoint) {
  if (doors::is_loopback(endpoint.host)) return std::nullopt;
  return Error{"'" + to_string(endpoint) +
               "' would be open to a network, and HTTP has no encryption here; write 127.0.0.1:" +
               std::to_string(endpoint.port) + " and let a proxy with TLS stand in front of it"};
}

}  // namespace tidegate::http_door
