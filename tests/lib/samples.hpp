// Short ways to write the values that tests talk about.
#pragma once

#include <cstdint>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lib/mesh/branch_bytes.hpp"
#include "tidegate/lsn.hpp"
#include "tidegate/message.hpp"

namespace tidegate::testing {

// The cluster that all samples belong to.
inline constexpr ClusterId home = 7;

// "1 2@100 3@250" are timelines with the offsets at which they begin, "2@100/7" one whose promotion
// is known. A timeline that stands alone tells its number only.
inline History history(const std::string& text) {
  std::vector<HistoryEntry> entries;
  std::istringstream words(text);
  for (std::string word; words >> word;) {
    HistoryEntry entry;
    std::istringstream parts(word);
    char separator = 0;
    parts >> entry.number >> separator >> entry.begin >> separator >> entry.promoted;
    entries.push_back(entry);
  }
  return History::of(std::move(entries)).value();
}

inline Position place(const History& history, std::uint64_t offset, ClusterId cluster = home) {
  return {Branch(ServerKind::postgres, cluster, history), offset};
}

// With the number of the timeline alone.
inline Position place(TimelineId timeline, std::uint64_t offset, ClusterId cluster = home) {
  return place(history(std::to_string(timeline)), offset, cluster);
}

// "2:0/3000060" is timeline 2, LSN 0/3000060, of the cluster `home`.
inline Position position(std::string_view text) {
  const auto colon = text.find(':');
  return place(static_cast<TimelineId>(std::stoul(std::string(text.substr(0, colon)))),
               parse_lsn(text.substr(colon + 1)).value().bytes);
}

inline Origin origin(std::uint8_t number) {
  Origin value;
  value.peer.bytes[0] = number;
  value.incarnation = 1;
  return value;
}

inline Message a_message(std::string_view topic, std::string payload,
                         std::string_view at = std::string_view()) {
  auto parsed = Topic::parse(topic).value();
  return {std::move(parsed), std::move(payload),
          at.empty() ? std::nullopt : std::optional(position(at)), std::nullopt};
}

// As they stand in a frame (lib/mesh/branch_bytes.hpp).
inline std::string branch_bytes(const Branch& branch) {
  std::string bytes(mesh::branch_size(branch), '\0');
  mesh::write_branch(branch, bytes.data());
  return bytes;
}

inline std::string hex(std::string_view bytes) {
  constexpr auto* digits = "0123456789abcdef";
  std::string text;
  for (const char c : bytes) {
    text += digits[static_cast<unsigned char>(c) >> 4U];
    text += digits[static_cast<unsigned char>(c) & 0xFU];
  }
  return text;
}

}  // namespace tidegate::testing
