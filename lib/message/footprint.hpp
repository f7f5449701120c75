// The size of a message in the bounds that are given in bytes.
#pragma once

#include <cstddef>

#include "lib/base/limits.hpp"
#include "tidegate/message.hpp"

namespace tidegate::message {

inline constexpr std::size_t footprint_overhead = 160;
inline constexpr std::size_t header_overhead = sizeof(Header);  // for each

// The bytes that the bounds count for a message: its content, and a round figure for the structures
// around it.
[[nodiscard]] constexpr std::size_t footprint_of(std::size_t payload_bytes,
                                                 std::size_t topic_bytes) {
  return payload_bytes + topic_bytes + footprint_overhead;
}
// The bytes that headers add to it.
[[nodiscard]] std::size_t footprint_of_some(const Headers& headers);
[[nodiscard]] inline std::size_t footprint(const Headers& headers) {
  return headers.empty() ? 0 : footprint_of_some(headers);
}
[[nodiscard]] inline std::size_t footprint(const Message& message) {
  return footprint_of(message.payload.size(), message.topic.bytes()) + footprint(message.headers);
}

// The most that a message with such a payload counts for.
[[nodiscard]] constexpr std::size_t largest_footprint(std::size_t payload_bytes) {
  return footprint_of(payload_bytes, base::limits::topic_bytes) + base::limits::header_bytes +
         base::limits::message_headers * header_overhead;
}

}  // namespace tidegate::message
