#include "discovery/beacon_seal.hpp"

#include <doctest/doctest.h>

#include "tests/lib/keys/sample_key.hpp"

using namespace tidegate;
using discovery::check_seal;
using discovery::Seal;
using keys::Keyring;
using testing::sample_key;

namespace {

mesh::AnnouncementBytes sealed(const Keyring& keyring) {
  mesh::Announcement announcement;
  announcement.mesh = "prod";
  announcement.origin.incarnation = 1;
  announcement.publish_port = 10;
  announcement.direct_port = 20;
  announcement.counter = 7;
  auto bytes = encode(announcement);
  discovery::seal(bytes, keyring);
  return bytes;
}

const Keyring none;
const Keyring old_one({sample_key(1)}, "prod");
const Keyring both({sample_key(2), sample_key(1)}, "prod");
const Keyring new_one({sample_key(2)}, "prod");

}  // namespace

TEST_CASE("an announcement counts for those that have its key") {
  CHECK(check_seal(sealed(old_one), old_one) == Seal::good);
  CHECK(check_seal(sealed(old_one), both) == Seal::good);
  CHECK(check_seal(sealed(both), new_one) == Seal::good);
  CHECK(check_seal(sealed(both), old_one) == Seal::unknown_key);
  CHECK(check_seal(sealed(old_one), Keyring({sample_key(1)}, "test")) == Seal::unknown_key);
  CHECK(check_seal(sealed(old_one), none) == Seal::unknown_key);
  CHECK(check_seal(sealed(none), old_one) == Seal::missing);
  CHECK(check_seal(sealed(none), none) == Seal::good);
}

TEST_CASE("an announcement names the key that its sender uses") {
  const auto key_of = [](const Keyring& keyring) {
    return std::get<mesh::Announcement>(mesh::decode_announcement(sealed(keyring))).key;
  };
  CHECK(key_of(both) == both.first().id);
  CHECK(key_of(none) == 0);
}

TEST_CASE("an announcement that was changed anywhere counts for nobody") {
  for (const auto* keyring : {&old_one, &none}) {
    const auto bytes = sealed(*keyring);
    const auto protects = keyring == &none ? mesh::announcement_key_id : std::size_t{0};
    for (std::size_t bit = 8 * protects; bit < 8 * bytes.size(); ++bit) {
      CAPTURE(bit);
      auto changed = bytes;
      changed[bit / 8] ^= std::byte{1} << (bit % 8);
      CHECK(check_seal(changed, *keyring) != Seal::good);
    }
  }
}

TEST_CASE("bytes of any length are looked at without harm") {
  const auto bytes = sealed(old_one);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const std::vector<std::byte> cut(bytes.begin(), bytes.begin() + static_cast<long>(size));
    CHECK(check_seal(cut, old_one) != Seal::good);
  }
}
