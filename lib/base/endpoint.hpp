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

}  // namespace tidegate::base
