// The keyed MAC of announcements: with a key, only a member's datagrams count.
//
// The MAC is a keyed BLAKE2b over all before it. It does not show when the datagram was made: a
// recorded one can be sent again, which the roster sees by its counter.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "lib/keys/keyring.hpp"
#include "lib/mesh/announcement.hpp"

namespace tidegate::discovery {

// With the first key; without keys nothing is changed.
void seal(mesh::AnnouncementBytes& bytes, const keys::Keyring& keyring);

enum class Seal : std::uint8_t {
  good,         // by one of our keys; without any: it has none either
  missing,      // we have a key
  unknown_key,  // or we have none
  forged,       // the key is ours, the MAC is not
};

// Bytes that are no announcement may have any answer.
[[nodiscard]] Seal check_seal(std::span<const std::byte> bytes, const keys::Keyring& keyring);

}  // namespace tidegate::discovery
