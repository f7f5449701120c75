#include "command/doors/stomp/address.hpp"

#include "command/doors/tcp_address.hpp"
#include "peer/io/resolver.hpp"

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
  if (!io::is_address(endpoint->host)) {
    return refuse(text, "names a host; write an address of this one");
  }
  return Address(*endpoint);
}

std::optional<Error> exposed(const Address& address, const Protection& protection) {
  const auto* endpoint = std::get_if<base::Endpoint>(&address);
  if (endpoint == nullptr || doors::is_loopback(endpoint->host)) return std::nullopt;
  const auto text = "tcp:" + to_string(*endpoint);
  if (!protection.certificate) {
    return refuse(text,
                  "would be open to a network without encryption; give the peer "
                  "--door-certificate and --door-certificate-key, or write tcp:127.0.0.1:" +
                      std::to_string(endpoint->port));
  }
  if (!protection.login) {
    return refuse(text,
                  "would be open to everybody in a network; set TIDEGATE_DOOR_LOGIN=NAME:PASSCODE");
  }
  return std::nullopt;
}

}  // namespace tidegate::stomp_door
