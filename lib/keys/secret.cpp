#include "lib/keys/secret.hpp"

#include <algorithm>

#include <sodium.h>

namespace tidegate::keys {

Secret::Secret(Bytes bytes) { std::copy(bytes.begin(), bytes.end(), bytes_.begin()); }

Secret::~Secret() { sodium_memzero(bytes_.data(), bytes_.size()); }

bool operator==(const Secret& a, const Secret& b) {
  return sodium_memcmp(a.bytes_.data(), b.bytes_.data(), Secret::size) == 0;
}

}  // namespace tidegate::keys
