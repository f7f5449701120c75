#include "tidegate/origin.hpp"

namespace tidegate {

std::string to_string(const PeerId& peer) {
  constexpr auto* digits = "0123456789abcdef";
  std::string text;
  text.reserve(2 * peer.bytes.size());
  for (const auto byte : peer.bytes) {
    text += digits[byte >> 4U];
    text += digits[byte & 0xFU];
  }
  return text;
}

}  // namespace tidegate
