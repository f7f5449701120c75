// Fixed endpoints to begin with, for networks where no beacon gets through: the ROUTER endpoints of
// some peers, "host:port". A seed leads to that peer only, in both directions: name all that should
// meet, at one side of each pair.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tidegate/result.hpp"

namespace tidegate::discovery {

struct Seed {
  std::string host;  // an IPv4 or IPv6 address (without brackets) or a name, not yet resolved
  std::uint16_t port = 0;

  friend bool operator==(const Seed&, const Seed&) = default;
};

// As it is written: with brackets around an IPv6 address.
[[nodiscard]] std::string to_string(const Seed& seed);

// Each text is "192.0.2.7:17882", "[2001:db8::7]:17882" or "app-b.example:17882". The error
// names everything that is wrong, not only the first.
[[nodiscard]] Result<std::vector<Seed>> parse_seeds(const std::vector<std::string>& texts);

}  // namespace tidegate::discovery
