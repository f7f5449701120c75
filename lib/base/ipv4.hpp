// An IPv4 address as a number, and its text.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tidegate::base {

// In host byte order: 127.0.0.1 is 0x7F000001.
struct Ipv4 {
  std::uint32_t value = 0;

  friend auto operator<=>(const Ipv4&, const Ipv4&) = default;
};

[[nodiscard]] std::string to_string(Ipv4 address);

// Four decimal numbers without leading zeros, and nothing else.
[[nodiscard]] std::optional<Ipv4> parse_ipv4(std::string_view text);

}  // namespace tidegate::base
