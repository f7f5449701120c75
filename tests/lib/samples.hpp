// Short ways to write the values that tests talk about.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "tidegate/message.hpp"

namespace tidegate::testing {

// The cluster that all samples belong to.
inline constexpr SystemId home = 7;

// "2:0/3000060" is timeline 2, LSN 0/3000060, of the cluster `home`.
inline Position position(std::string_view text) {
  const auto colon = text.find(':');
  return {home, static_cast<TimelineId>(std::stoul(std::string(text.substr(0, colon)))),
          parse_lsn(text.substr(colon + 1)).value()};
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
          at.empty() ? std::nullopt : std::optional(position(at))};
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
