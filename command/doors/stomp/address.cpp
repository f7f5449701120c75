#include "command/doors/stomp/address.hpp"

#include <algorithm>
#include <cstdint>

#include "lib/base/decimal.hpp"
#include "lib/base/ipv4.hpp"

namespace tidegate::stomp_door {
namespace {

constexpr std::string_view unix_prefix = "unix:";
constexpr std::string_view tcp_prefix = "tcp:";

Error refuse(std::string_view text, const std::string& why) {
  return Error{"the door '" + std::string(text) + "' " + why};
}

bool is_loopback(std::string_view host) {
  const auto ipv4 = base::parse_ipv4(host);
  return host == "::1" || (ipv4 && ipv4->value >> 24U == 127);
}

}  // namespace

Result<Address> parse_address(std::string_view text) {
  if (text == "systemd") return Address(SystemdAddress{});
  if (text.starts_with(unix_prefix)) {
    const auto path = text.substr(unix_prefix.size());
    if (!path.starts_with('/')) return refuse(text, "has no path that begins with '/'");
    return Address(UnixAddress{std::string(path)});
  }
  if (!text.starts_with(tcp_prefix)) {
    return refuse(text, "is unknown; write unix:/path, tcp:127.0.0.1:61613 or systemd");
  }
  const auto rest = text.substr(tcp_prefix.size());
  const auto colon = std::min(rest.rfind(':'), rest.size());
  const auto port =
      base::parse_number<std::uint16_t>(rest.substr(std::min(colon + 1, rest.size())));
  if (port.value_or(0) == 0) return refuse(text, "has no port; write tcp:127.0.0.1:61613");
  auto host = rest.substr(0, colon);
  if (host == "localhost") host = "127.0.0.1";
  if (host == "[::1]") host = "::1";
  if (!is_loopback(host)) {
    return refuse(text,
                  "would be open to a network, and it has no encryption; write "
                  "tcp:127.0.0.1:" +
                      std::to_string(*port) + " and let a proxy with TLS stand in front of it");
  }
  return Address(base::Endpoint{std::string(host), *port});
}

}  // namespace tidegate::stomp_door
