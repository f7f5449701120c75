#include "command/doors/http/address.hpp"

#include <string>

#include "command/doors/tcp_address.hpp"
#include "peer/io/resolver.hpp"

namespace tidegate::http_door {

Result<Address> parse_address(std::string_view text) {
  if (text == "systemd") return Address(SystemdAddress{});
  const auto endpoint = doors::tcp_address(text);
  if (!endpoint) {
    return Error{"'" + std::string(text) + "' has no port; write 127.0.0.1:15674 or systemd"};
  }
  if (!io::is_address(endpoint->host)) {
    return Error{"'" + std::string(text) + "' names a host; write an address of this one"};
  }
  return Address(*endpoint);
}

std::optional<Error> exposed(const Address& address, bool token) {
  const auto* endpoint = std::get_if<base::Endpoint>(&address);
  if (endpoint != nullptr && !doors::is_loopback(endpoint->host) && !token) {
    return Error{"'" + to_string(*endpoint) +
                 "' would be open to a network; set TIDEGATE_HTTP_TOKEN, which every "
                 "request has to bring, or write 127.0.0.1:" +
                 std::to_string(endpoint->port)};
  }
  return std::nullopt;
}

}  // namespace tidegate::http_door
