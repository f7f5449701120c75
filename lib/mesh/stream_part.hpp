// The parts of a stream, to which a reader subscribes over its connection: the first bytes of a
// frame name the part (datagram_sender.hpp says which frame goes to which).
//
//     0                  everyone
//     1                  shared: readers that get no datagrams
//     =, id of a reader  alone: that reader
//
// Nothing begins with `@`, by whose subscription a publisher sees that a reader's has arrived.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "tidegate/origin.hpp"

namespace tidegate::mesh::stream_part {

inline constexpr std::string_view everyone = "0";
inline constexpr std::string_view shared = "1";

[[nodiscard]] inline std::string with_id(char first, const PeerId& reader) {
  std::string text(1, first);
  text.append(reinterpret_cast<const char*>(reader.bytes.data()), reader.bytes.size());
  return text;
}
[[nodiscard]] inline std::string alone(const PeerId& reader) { return with_id('=', reader); }
[[nodiscard]] inline std::string marker(const PeerId& reader) { return with_id('@', reader); }

// The frame behind the name of its part; nothing: this is no frame of a stream.
[[nodiscard]] inline std::optional<std::string_view> frame_in(std::string_view bytes) {
  if (bytes.starts_with(everyone) || bytes.starts_with(shared)) return bytes.substr(1);
  constexpr auto head = 1 + sizeof(PeerId::bytes);
  if (bytes.starts_with('=') && bytes.size() >= head) return bytes.substr(head);
  return std::nullopt;
}

}  // namespace tidegate::mesh::stream_part
