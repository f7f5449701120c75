#include "lib/mesh/announcement.hpp"

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "lib/base/random.hpp"

using namespace tidegate;
using namespace tidegate::base;
using namespace tidegate::mesh;

namespace {

Announcement example() {
  Announcement announcement;
  announcement.mesh = "build.example";
  for (std::uint8_t i = 0; i < 16; ++i) announcement.origin.peer.bytes[i] = 0xA0 + i;
  announcement.origin.incarnation = 0x0102030405060708;
  announcement.publish_port = 17881;
  announcement.direct_port = 17882;
  announcement.reply_wanted = true;
  announcement.counter = 9;
  return announcement;
}

std::string hex(std::span<const std::byte> bytes) {
  constexpr auto* digits = "0123456789abcdef";
  std::string text;
  for (const auto byte : bytes) {
    text += digits[std::to_integer<unsigned>(byte) >> 4U];
    text += digits[std::to_integer<unsigned>(byte) & 0xFU];
  }
  return text;
}

// The example with one byte replaced.
std::variant<Announcement, AnnouncementFault> decode_with(std::size_t offset, unsigned value) {
  auto bytes = encode(example());
  bytes[offset] = static_cast<std::byte>(value);
  return decode_announcement(bytes);
}

using Decoded = std::variant<Announcement, AnnouncementFault>;

}  // namespace

TEST_CASE("an announcement is these bytes") {
  CHECK(hex(encode(example())) ==
        "7469646567617465"                  // "tidegate"
        "01"                                // version
        "02"                                // reply wanted
        "45d9"                              // publications at port 17881
        "45da"                              // direct at port 17882
        "0000"                              // reserved
        "a0a1a2a3a4a5a6a7a8a9aaabacadaeaf"  // peer id
        "0102030405060708"                  // incarnation
        "0000000000000009"                  // counter
        "6275696c642e6578616d706c65"        // "build.example"
        "00000000000000000000000000000000000000"
        "0000000000000000"                                                    // key id
        "0000000000000000000000000000000000000000000000000000000000000000");  // MAC
}

TEST_CASE("an announcement is heard as it was made") {
  for (const bool leaving : {false, true}) {
    for (const bool reply_wanted : {false, true}) {
      for (const auto* mesh : {"m", "default", "a-name-of-thirty-two-characters!"}) {
        auto announcement = example();
        announcement.mesh = mesh;
        announcement.leaving = leaving;
        announcement.reply_wanted = reply_wanted;
        announcement.direct_port = 65535;
        CHECK(decode_announcement(encode(announcement)) == Decoded(announcement));
      }
    }
  }
}

TEST_CASE("a datagram that is cut off or too long is refused") {
  const auto bytes = encode(example());
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    // A copy of exactly that size, so that a read past its end is caught by a sanitizer.
    const std::vector<std::byte> cut(bytes.begin(), bytes.begin() + static_cast<long>(size));
    CAPTURE(size);
    CHECK(decode_announcement(cut) ==
          Decoded(size < 9 ? AnnouncementFault::wrong_magic : AnnouncementFault::wrong_length));
  }
  std::vector<std::byte> longer(bytes.begin(), bytes.end());
  longer.push_back(std::byte{0});
  CHECK(decode_announcement(longer) == Decoded(AnnouncementFault::wrong_length));
}

TEST_CASE("each fault has its name") {
  CHECK(decode_with(0, 'T') == Decoded(AnnouncementFault::wrong_magic));
  CHECK(decode_with(8, 0) == Decoded(AnnouncementFault::other_version));
  CHECK(decode_with(8, 2) == Decoded(AnnouncementFault::other_version));
  CHECK(decode_with(9, 4) == Decoded(AnnouncementFault::unknown_flags));
  CHECK(decode_with(15, 1) == Decoded(AnnouncementFault::reserved_not_zero));

  for (const std::size_t port : {10U, 12U}) {
    auto bytes = encode(example());
    bytes[port] = bytes[port + 1] = std::byte{0};
    CHECK(decode_announcement(bytes) == Decoded(AnnouncementFault::zero_port));
  }
}

TEST_CASE("a mesh name is printable, not empty, and nothing stands behind its end") {
  CHECK(decode_with(48, 0) == Decoded(AnnouncementFault::bad_mesh_name));
  CHECK(decode_with(49, ' ') == Decoded(AnnouncementFault::bad_mesh_name));
  CHECK(decode_with(49, '\n') == Decoded(AnnouncementFault::bad_mesh_name));
  CHECK(decode_with(49, 0xC3) == Decoded(AnnouncementFault::bad_mesh_name));
  CHECK(decode_with(50, 0) == Decoded(AnnouncementFault::bad_mesh_name));
  CHECK(decode_with(79, 'x') == Decoded(AnnouncementFault::bad_mesh_name));

  CHECK(valid_mesh_name("default"));
  CHECK(valid_mesh_name(std::string(32, 'x')));
  CHECK_FALSE(valid_mesh_name(std::string(33, 'x')));
  CHECK_FALSE(valid_mesh_name(""));
  CHECK_FALSE(valid_mesh_name("two words"));
  CHECK_FALSE(valid_mesh_name(std::string_view("a\0b", 3)));
}

TEST_CASE("a newer version is recognised at any length") {
  auto bytes = encode(example());
  bytes[8] = std::byte{7};
  CHECK(decode_announcement(std::span(bytes).first(9)) ==
        Decoded(AnnouncementFault::other_version));
  std::vector<std::byte> longer(bytes.begin(), bytes.end());
  longer.resize(200);
  CHECK(decode_announcement(longer) == Decoded(AnnouncementFault::other_version));
}

// Exactly one encoding: whatever is accepted is encoded to the bytes that were read. So a flipped
// bit is refused or announces something else, and nothing of a datagram is overlooked. Key id and
// MAC are not read here.
TEST_CASE("a flipped bit is refused, or read as another valid announcement") {
  const auto bytes = encode(example());
  for (std::size_t bit = 0; bit < 8 * announcement_key_id; ++bit) {
    auto flipped = bytes;
    flipped[bit / 8] ^= std::byte{1} << (bit % 8);
    const auto decoded = decode_announcement(flipped);
    CAPTURE(bit);
    const auto offset = bit / 8;
    const bool fixed = offset <= 8 || offset == 14 || offset == 15 || offset > 61;
    if (const auto* announcement = std::get_if<Announcement>(&decoded)) {
      CHECK_FALSE(fixed);
      CHECK(encode(*announcement) == flipped);
      CHECK_FALSE(*announcement == example());
    }
  }
}

TEST_CASE("no garbage is an announcement, and none does harm") {
  Random random(17880);
  int accepted_count = 0;
  for (int i = 0; i < 100'000; ++i) {
    std::vector<std::byte> garbage(random.below(300));
    if (random.below(2) == 0) garbage.resize(announcement_size);
    for (auto& byte : garbage) byte = static_cast<std::byte>(random.below(256));
    // Half of them look right at first, so that the checks behind the magic are reached as well.
    if (random.below(2) == 0) {
      const auto right = encode(example());
      std::copy_n(right.begin(), std::min<std::size_t>(garbage.size(), 9 + random.below(72)),
                  garbage.begin());
    }
    const auto decoded = decode_announcement(garbage);
    if (const auto* announcement = std::get_if<Announcement>(&decoded)) {
      ++accepted_count;
      const auto again = encode(*announcement);
      REQUIRE(std::equal(again.begin(), again.begin() + announcement_key_id, garbage.begin()));
    }
  }
  // Only a copy up to the key id is an announcement: 1 of 72 among those of the right length.
  CHECK(accepted_count > 100);
  CHECK(accepted_count < 1000);
}

TEST_CASE("each fault can be told in words of its own") {
  std::set<std::string_view> words;
  for (int fault = 0; fault <= static_cast<int>(AnnouncementFault::bad_mesh_name); ++fault) {
    words.insert(to_string(static_cast<AnnouncementFault>(fault)));
  }
  CHECK(words.size() == 7);
}
