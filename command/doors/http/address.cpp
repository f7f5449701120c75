#include "command/doors/http/address.hpp"

#include <string>

#include "command/doors/tcp_address.hpp"

namespace tidegate::http_door {

Result<base::Endpoint> parse_address(std::string_view text) {
  const auto endpoint = doors::tcp_address(text);
  if (!endpoint) return Error{"'" + std::string(text) + "' has no port; write 127.0.0.1:15674"};
  if (!doors::is_loopback(endpoint->host)) {
    return Error{"'" + std::string(text) +
                 "' would be open to a network, and HTTP has no encryption here; write 127.0.0.1:" +
                 std::to_string(endpoint->port) + " and let a proxy with TLS stand in front of it"};
  }
  return *endpoint;
}

}  // namespace tidegate::http_door
