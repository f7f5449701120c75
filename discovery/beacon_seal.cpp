#include "discovery/beacon_seal.hpp"

#include <algorithm>
#include <array>

#include <sodium.h>

#include "lib/base/must.hpp"

namespace tidegate::discovery {
namespace {

constexpr std::size_t mac_size = mesh::announcement_size - mesh::announcement_mac;
using Mac = std::array<std::uint8_t, mac_size>;

Mac mac_of(std::span<const std::byte> bytes, const keys::Secret& key) {
  Mac mac{};
  TIDEGATE_MUST(crypto_generichash(
                    mac.data(), mac.size(), reinterpret_cast<const unsigned char*>(bytes.data()),
                    mesh::announcement_mac, key.bytes().data(), key.bytes().size()) == 0);
  return mac;
}

}  // namespace

void seal(mesh::AnnouncementBytes& bytes, const keys::Keyring& keyring) {
  if (keyring.empty()) return;
  auto id = keyring.first().id;
  for (std::size_t at = mesh::announcement_mac; at > mesh::announcement_key_id; id >>= 8U) {
    bytes[--at] = static_cast<std::byte>(id & 0xFFU);
  }
  const auto mac = mac_of(bytes, keyring.first().beacon);
  std::transform(mac.begin(), mac.end(), bytes.begin() + mesh::announcement_mac,
                 [](std::uint8_t byte) { return std::byte{byte}; });
}

Seal check_seal(std::span<const std::byte> bytes, const keys::Keyring& keyring) {
  if (bytes.size() != mesh::announcement_size) return Seal::missing;
  keys::KeyId id = 0;
  for (auto at = mesh::announcement_key_id; at < mesh::announcement_mac; ++at) {
    id = id << 8U | std::to_integer<keys::KeyId>(bytes[at]);
  }
  if (id == 0) {
    const auto mac = bytes.subspan(mesh::announcement_mac);
    const bool empty =
        std::all_of(mac.begin(), mac.end(), [](auto b) { return b == std::byte{0}; });
    if (!empty) return Seal::forged;
    return keyring.empty() ? Seal::good : Seal::missing;
  }
  const auto* key = keyring.find(id);
  if (key == nullptr) return Seal::unknown_key;
  const auto mac = mac_of(bytes, key->beacon);
  const bool same = sodium_memcmp(mac.data(), bytes.data() + mesh::announcement_mac, mac_size) == 0;
  return same ? Seal::good : Seal::forged;
}

}  // namespace tidegate::discovery
