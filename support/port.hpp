// TCP ports for servers that a test starts.
#pragma once

#include <cstdint>

namespace tidegate::support {

// A port on 127.0.0.1 that nobody listened on a moment ago, between 20000 and 32767: below the
// ports that the kernel gives to outgoing connections, one of which could otherwise take it, or
// even connect to itself. Throws std::runtime_error when none is found.
[[nodiscard]] std::uint16_t unused_port();

}  // namespace tidegate::support
