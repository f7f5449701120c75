// The publisher of a message: a peer, in one of its lives.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <string>

#include "tidegate/export.hpp"

namespace tidegate {

// 128 random bits, drawn when the process starts, or once for a state file (options.hpp).
struct PeerId {
  std::array<std::uint8_t, 16> bytes{};

  friend auto operator<=>(const PeerId&, const PeerId&) = default;
};

// A peer id with its incarnation: microseconds since 1970 when the peer started, so that a later
// life compares greater. Sequences are counted for each origin, from 1. Of a publisher with a state
// file all lives have one stream, and deliveries name the incarnation in which that has begun.
struct Origin {
  PeerId peer;
  std::uint64_t incarnation = 0;

  friend auto operator<=>(const Origin&, const Origin&) = default;
};

// 32 hexadecimal digits.
[[nodiscard]] TIDEGATE_EXPORT std::string to_string(const PeerId& peer);

}  // namespace tidegate
