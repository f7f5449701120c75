// Input of strangers, drawn by libFuzzer: each one is read as a frame, a datagram or a text, as its
// first byte says. Nothing may crash, and a value that could be read must come back the same when
// it is written.
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <type_traits>

#include "lib/base/must.hpp"
#include "lib/mesh/announcement.hpp"
#include "lib/mesh/frame_codec.hpp"
#include "tidegate/position.hpp"
#include "tidegate/topic.hpp"

namespace tidegate {
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

void read_datagram(std::string_view bytes) {
  const auto decoded = mesh::decode_announcement(std::as_bytes(std::span(bytes)));
  const auto* announcement = std::get_if<mesh::Announcement>(&decoded);
  if (announcement == nullptr) return;
  const auto written = encode(*announcement);
  const auto* begin = reinterpret_cast<const char*>(written.data());
  TIDEGATE_MUST(bytes == std::string_view(begin, written.size()));
}

void read_text(std::string_view text) {
  if (const auto topic = Topic::parse(text)) {
    const auto again = Topic::parse(to_string(*topic));
    TIDEGATE_MUST(again && *again == *topic);
    if (const auto pattern = Pattern::parse(text)) TIDEGATE_MUST(pattern->matches(*topic));
  }
  if (const auto position = position_from_text(text)) {
    const auto again = position_from_text(to_text(*position));
    TIDEGATE_MUST(again && *again == *position);
  }
}

}  // namespace
}  // namespace tidegate

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  if (input.empty()) return 0;
  switch (input.front()) {
    case 'f':
      tidegate::read_frame<tidegate::mesh::CallFrame>(input.substr(1));
      tidegate::read_frame<tidegate::mesh::AnswerFrame>(input.substr(1));
      tidegate::read_frame<tidegate::mesh::StreamFrame>(input.substr(1));
      break;
    case 'd':
      tidegate::read_datagram(input.substr(1));
      break;
    default:
      tidegate::read_text(input.substr(1));
      break;
  }
  return 0;
}
