// A frame of STOMP, the text protocol of message brokers: a command, headers, a body. And the
// versions of the protocol, which differ in how headers are written.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tidegate/message.hpp"

namespace tidegate::stomp {

enum class Version : std::uint8_t { v1_0, v1_1, v1_2 };

[[nodiscard]] std::string_view to_string(Version version);  // "1.0"

struct Frame {
  std::string command;
  std::vector<Header> headers;  // as they came; of several with one name the first counts
  std::string body;             // any bytes

  // The value of the first header of that name; nullptr: there is none. Valid as long as the frame.
  [[nodiscard]] const std::string* find(std::string_view name) const;

  friend bool operator==(const Frame&, const Frame&) = default;
};

// The frame that is written as the client may not know the version yet: its headers have no
// escapes.
[[nodiscard]] bool opens_connection(std::string_view command);

}  // namespace tidegate::stomp
