// The name of one message in all meshes and lives, the same whenever and by whichever peer it is
// delivered: its publisher, the publisher's incarnation, and its number in that stream.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "tidegate/origin.hpp"

namespace tidegate::stomp {

struct MessageId {
  Origin origin;
  std::uint64_t sequence = 0;

  friend auto operator<=>(const MessageId&, const MessageId&) = default;
};

// "0123456789abcdef0123456789abcdef-1795640443355842-17"
[[nodiscard]] std::string to_string(const MessageId& id);
// nullopt: it is none, written as above.
[[nodiscard]] std::optional<MessageId> message_id_from(std::string_view text);

}  // namespace tidegate::stomp
