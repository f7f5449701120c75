// The publisher of a message: a peer, in one of its lives.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <string>

namespace tidegate {

// 128 random bits, drawn when the process starts.
struct PeerId {
  std::array<std::uint8_t, 16> bytes{};

  friend auto operator<=>(const PeerId&, const PeerId&) = default;
};

// A peer id with its incarnation: microseconds since 1970 when the peer started, so that a later
// life compares greater. Sequences are counted for each origin, from 1.
struct Origin {
  PeerId peer;
  std::uint64_t incarnation = 0;

  friend auto operator<=>(const Origin&, const Origin&) = default;
};

// 32 hexadecimal digits.
[[nodiscard]] std::string to_string(const PeerId& peer);

}  // namespace tidegate
