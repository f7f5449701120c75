#include "lib/base/ipv4.hpp"

#include "lib/base/decimal.hpp"

namespace tidegate::base {

std::string to_string(Ipv4 address) {
  std::string text;
  for (int shift = 24; shift >= 0; shift -= 8) {
    text += std::to_string(address.value >> shift & 0xFFU);
    if (shift > 0) text += '.';
  }
  return text;
}

std::optional<Ipv4> parse_ipv4(std::string_view text) {
  Ipv4 address;
  for (int part = 0; part < 4; ++part) {
    if (part > 0) {
      if (!text.starts_with('.')) return std::nullopt;
      text.remove_prefix(1);
    }
    const bool zero = text.starts_with('0');
    const auto before = text.size();
    const auto number = take_number<std::uint8_t>(text);
    if (!number || (zero && before - text.size() > 1)) return std::nullopt;
    address.value = address.value << 8U | *number;
  }
  return text.empty() ? std::optional(address) : std::nullopt;
}

}  // namespace tidegate::base
