// Keys for tests: each first byte makes another one.
#pragma once

#include <cstdint>

#include "lib/keys/secret.hpp"

namespace tidegate::testing {

inline keys::Secret sample_key(std::uint8_t first) {
  keys::Secret key;
  for (auto& byte : key.buffer()) byte = first++;
  return key;
}

}  // namespace tidegate::testing
