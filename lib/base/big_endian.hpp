// Numbers as bytes, the highest byte first, as they stand in datagrams. The bytes have to be there:
// nothing is checked.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace tidegate::base {

template <typename Number>
void put_big_endian(std::uint8_t* bytes, Number number) {
  static_assert(std::is_unsigned_v<Number>);
  for (std::size_t left = sizeof number; left > 0; --left) {
    bytes[left - 1] = static_cast<std::uint8_t>(number & 0xFFU);
    if constexpr (sizeof number > 1) number >>= 8U;
  }
}

template <typename Number>
[[nodiscard]] Number get_big_endian(const std::uint8_t* bytes) {
  static_assert(std::is_unsigned_v<Number>);
  std::uint64_t number = 0;
  for (std::size_t at = 0; at < sizeof(Number); ++at) number = number << 8U | bytes[at];
  return static_cast<Number>(number);
}

}  // namespace tidegate::base
