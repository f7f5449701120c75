#include "lib/keys/keyring.hpp"

#include <algorithm>

#include <sodium.h>

#include "lib/base/must.hpp"

namespace tidegate::keys {
namespace {

// The numbers of what is derived; never given to anything else.
enum class Purpose : std::uint8_t { direct = 1, client = 2, beacon = 3, id = 4 };

constexpr const char* context = "tidegate";

static_assert(Secret::size == crypto_kdf_KEYBYTES && Secret::size == crypto_scalarmult_BYTES);

// The key of one mesh.
Secret bound_to(const Secret& key, std::string_view mesh) {
  Secret bound;
  const auto out = bound.buffer();
  TIDEGATE_MUST(crypto_generichash(out.data(), out.size(),
                                   reinterpret_cast<const unsigned char*>(mesh.data()), mesh.size(),
                                   key.bytes().data(), key.bytes().size()) == 0);
  return bound;
}

Secret derived(const Secret& key, Purpose purpose) {
  Secret result;
  const auto out = result.buffer();
  TIDEGATE_MUST(crypto_kdf_derive_from_key(out.data(), out.size(),
                                           static_cast<std::uint64_t>(purpose), context,
                                           key.bytes().data()) == 0);
  return result;
}

KeyId id_of(const Secret& key) {
  const auto shown = derived(key, Purpose::id);
  KeyId id = 0;
  for (const auto byte : shown.bytes().first<sizeof id>()) id = id << 8U | byte;
  return id == 0 ? 1 : id;
}

}  // namespace

CurveKeys::CurveKeys(const Secret& its_secret) : secret(its_secret) {
  TIDEGATE_MUST(crypto_scalarmult_base(open.data(), secret.bytes().data()) == 0);
}

MeshKeys::MeshKeys(const Secret& key, std::string_view mesh)
    : id(id_of(bound_to(key, mesh))),
      direct(derived(bound_to(key, mesh), Purpose::direct)),
      client(derived(bound_to(key, mesh), Purpose::client)),
      beacon(derived(bound_to(key, mesh), Purpose::beacon)) {}

Keyring::Keyring(const std::vector<Secret>& keys, std::string_view mesh) {
  for (const auto& key : keys) all_.emplace_back(key, mesh);
}

std::vector<std::string> Keyring::names() const {
  std::vector<std::string> names;
  for (const auto& keys : all_) names.push_back(to_text(keys.id));
  return names;
}

const MeshKeys* Keyring::find(KeyId id) const {
  const auto found =
      std::find_if(all_.begin(), all_.end(), [id](const MeshKeys& keys) { return keys.id == id; });
  return found == all_.end() ? nullptr : &*found;
}

bool Keyring::lacks_some_of(const Keyring& other) const {
  return std::any_of(other.all_.begin(), other.all_.end(),
                     [this](const MeshKeys& keys) { return find(keys.id) == nullptr; });
}

bool Keyring::is_client(const PublicKey& key) const {
  return std::any_of(all_.begin(), all_.end(),
                     [&key](const MeshKeys& keys) { return keys.client.open == key; });
}

}  // namespace tidegate::keys
