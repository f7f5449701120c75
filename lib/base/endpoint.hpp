// Where something listens.
#pragma once

#include <cstdint>
#include <string>

namespace tidegate::base {

struct Endpoint {
  std::string host;  // an address or a name
  std::uint16_t port = 0;

  friend bool operator==(const Endpoint&, const Endpoint&) = default;
};

// "host:port"; an IPv6 address stands in brackets.
[[nodiscard]] inline std::string to_string(const Endpoint& endpoint) {
  const bool v6 = endpoint.host.find(':') != std::string::npos;
  return (v6 ? "[" + endpoint.host + "]" : endpoint.host) + ":" + std::to_string(endpoint.port);
}

}  // namespace tidegate::base
