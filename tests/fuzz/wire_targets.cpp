// Frames, and the datagrams of the beacon.
#include <span>
#include <type_traits>

#include "discovery/beacon_seal.hpp"
#include "lib/base/must.hpp"
#include "lib/mesh/announcement.hpp"
#include "lib/mesh/frame_codec.hpp"
#include "tests/fuzz/targets.hpp"
#include "tests/lib/keys/sample_key.hpp"
#include "tests/lib/mesh/sample_frames.hpp"

namespace tidegate::fuzz {
namespace {

template <typename Channel>
void read_frame(std::string_view bytes) {
  const auto decoded = mesh::decode<Channel>(bytes);
  const auto* frame = std::get_if<Channel>(&decoded);
  if (frame == nullptr) return;
  if constexpr (!std::is_same_v<Channel, mesh::StreamFrame>) {
    // Of another version nothing but its number is known, so it is never written.
    if (std::holds_alternative<mesh::OtherVersion>(*frame)) return;
  }
  const auto again = mesh::decode<Channel>(encode(*frame));
  TIDEGATE_MUST(std::get<Channel>(again) == *frame);
}

const keys::Keyring& sample_keyring() {
  static const keys::Keyring keyring({testing::sample_key(1), testing::sample_key(2)}, "default");
  return keyring;
}

std::string text_of(const mesh::AnnouncementBytes& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

void read_frames(std::string_view input) {
  read_frame<mesh::CallFrame>(input);
  read_frame<mesh::AnswerFrame>(input);
  read_frame<mesh::StreamFrame>(input);
}

std::vector<std::string> frame_seeds() {
  std::vector<std::string> seeds;
  testing::for_each_channel([&](const auto& frames) {
    for (const auto& frame : frames) seeds.push_back(encode(frame));
  });
  return seeds;
}

void read_beacon(std::string_view input) {
  const auto bytes = std::as_bytes(std::span(input));
  (void)discovery::check_seal(bytes, keys::Keyring());
  (void)discovery::check_seal(bytes, sample_keyring());
  const auto decoded = mesh::decode_announcement(bytes);
  const auto* announcement = std::get_if<mesh::Announcement>(&decoded);
  if (announcement == nullptr) return;
  auto again = std::get<mesh::Announcement>(mesh::decode_announcement(encode(*announcement)));
  again.key = announcement->key;  // which is left to the seal
  TIDEGATE_MUST(again == *announcement);
}

std::vector<std::string> beacon_seeds() {
  auto bytes =
      encode(mesh::Announcement{"default", testing::origin(1), 17900, 17901, false, true, 7});
  std::vector<std::string> seeds = {text_of(bytes)};
  discovery::seal(bytes, sample_keyring());
  seeds.push_back(text_of(bytes));
  return seeds;
}

}  // namespace tidegate::fuzz
