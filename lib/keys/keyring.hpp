// All that follows from the keys of a mesh.
//
// Everything is derived from one secret and the name of the mesh, so members need agree on nothing
// else, and a key that serves two meshes joins none of them to the other:
//
//     direct    the CURVE key of every ROUTER: to know its public half takes the secret
//     client    the CURVE key of everybody that dials or follows; no other is let in
//     beacon    authenticates datagrams
//     id        names the key where it may be seen, in datagrams, logs and reports
//
// The first key is used, each of them is accepted. So the members go over from one key to another
// one after the other, without a moment in which two don't understand each other: [old], then
// [old, new], then [new, old], then [new], each step at every member before the next.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lib/keys/key_id.hpp"
#include "lib/keys/secret.hpp"

namespace tidegate::keys {

using PublicKey = std::array<std::uint8_t, 32>;  // of Curve25519

struct CurveKeys {
  Secret secret;
  PublicKey open{};

  explicit CurveKeys(const Secret& its_secret);
};

struct MeshKeys {
  KeyId id = 0;
  CurveKeys direct;
  CurveKeys client;
  Secret beacon;

  MeshKeys(const Secret& key, std::string_view mesh);
};

class Keyring {
 public:
  Keyring() = default;  // without keys: everybody is let in
  Keyring(const std::vector<Secret>& keys, std::string_view mesh);

  [[nodiscard]] bool empty() const { return all_.empty(); }
  [[nodiscard]] const MeshKeys& first() const { return all_.front(); }  // it must not be empty
  [[nodiscard]] const std::vector<MeshKeys>& all() const { return all_; }

  // As texts, the first one first.
  [[nodiscard]] std::vector<std::string> names() const;

  // nullptr: there is no such key.
  [[nodiscard]] const MeshKeys* find(KeyId id) const;

  // Some key of the other ring is not in this one.
  [[nodiscard]] bool lacks_some_of(const Keyring& other) const;

  // Some member's, by one of the keys.
  [[nodiscard]] bool is_client(const PublicKey& key) const;

 private:
  std::vector<MeshKeys> all_;
};

}  // namespace tidegate::keys
