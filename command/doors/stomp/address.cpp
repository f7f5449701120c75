#include "command/doors/stomp/address.hpp"

#include "command/doors/tcp_address.hpp"

namespace tidegate::stomp_door {
namespace {

constexpr std::string_view unix_prefix = "unix:";
constexpr std::string_view tcp_prefix = "tcp:";

Error refuse(std::string_view text, const std::string& why) {
  return Error{"the door '" + std::string(text) + "' " + why};
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
  const auto endpoint = doors::tcp_address(text.substr(tcp_prefix.size()));
  if (!endpoint) return refuse(text, "has no port; write tcp:127.0.0.1:61613");
  if (!doors::is_loopback(endpoint->host)) {
    return refuse(text,
                  "would be open to a network, and it has no encryption; write "
                  "tcp:127.0.0.1:" +
                      std::to_string(endpoint->port) +
                      " and let a proxy with TLS stand in front of it");
  }
  return Address(*endpoint);
}

}  // namespace tidegate::stomp_door
