#include "lib/keys/keyring.hpp"

#include <set>
#include <vector>

#include <doctest/doctest.h>

#include "tests/lib/keys/sample_key.hpp"

using namespace tidegate;
using keys::Keyring;
using keys::MeshKeys;
using keys::Secret;
using testing::sample_key;

namespace {

std::vector<std::uint8_t> bytes(const Secret& secret) {
  return {secret.bytes().begin(), secret.bytes().end()};
}

}  // namespace

TEST_CASE("members derive the same from the same key and mesh") {
  const MeshKeys a(sample_key(1), "prod");
  const MeshKeys b(sample_key(1), "prod");
  CHECK(a.id == b.id);
  CHECK(a.direct.open == b.direct.open);
  CHECK(a.client.secret == b.client.secret);
  CHECK(a.beacon == b.beacon);
  // Other releases must derive the same, too.
  CHECK(keys::to_text(a.id) == "5fee04e7807a7ebf");
}

TEST_CASE("nothing that is derived is another thing, or that of another key or mesh") {
  std::set<std::vector<std::uint8_t>> secrets;
  std::set<keys::KeyId> ids;
  for (const auto* mesh : {"prod", "test"}) {
    for (const std::uint8_t first : {std::uint8_t{1}, std::uint8_t{2}}) {
      const MeshKeys keys(sample_key(first), mesh);
      for (const auto* secret : {&keys.direct.secret, &keys.client.secret, &keys.beacon}) {
        CHECK(secrets.insert(bytes(*secret)).second);
      }
      CHECK(secrets.insert(bytes(sample_key(first))).second == (*mesh == 'p'));
      CHECK(ids.insert(keys.id).second);
    }
  }
}

TEST_CASE("the first key is used and each is accepted") {
  const Keyring ring({sample_key(1), sample_key(2)}, "prod");
  const MeshKeys first(sample_key(1), "prod");
  const MeshKeys second(sample_key(2), "prod");
  const MeshKeys other(sample_key(3), "prod");
  CHECK(ring.first().id == first.id);
  REQUIRE(ring.find(second.id) != nullptr);
  CHECK(ring.find(second.id)->direct.open == second.direct.open);
  CHECK(ring.find(other.id) == nullptr);
  CHECK(ring.is_client(first.client.open));
  CHECK(ring.is_client(second.client.open));
  CHECK_FALSE(ring.is_client(other.client.open));
  CHECK_FALSE(ring.is_client(first.direct.open));
  CHECK_FALSE(Keyring().is_client(first.client.open));
  CHECK(Keyring().empty());
  CHECK(ring.names() ==
        std::vector<std::string>{keys::to_text(first.id), keys::to_text(second.id)});
  CHECK(keys::to_text(keys::KeyId{0}).empty());
}

TEST_CASE("a ring lacks what was taken out, whatever the order") {
  const Keyring both({sample_key(1), sample_key(2)}, "prod");
  const Keyring turned({sample_key(2), sample_key(1)}, "prod");
  const Keyring one({sample_key(2)}, "prod");
  CHECK_FALSE(turned.lacks_some_of(both));
  CHECK_FALSE(both.lacks_some_of(one));
  CHECK(one.lacks_some_of(both));
}
