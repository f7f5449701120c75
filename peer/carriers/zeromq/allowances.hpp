// How much the connections of each kind may bring (guard.hpp): somewhat more than a member does.
#pragma once

#include <cstdint>

#include "lib/base/limits.hpp"
#include "peer/carriers/zeromq/guard.hpp"

namespace tidegate::zeromq {

// A follower shakes hands, subscribes to what PROTOCOL.md says, and leaves one part of it: 161
// bytes, with a key 788. To part with one
// takes libzmq a walk through the subscriptions of all, so strangers are to be few, with few.
inline constexpr std::int64_t longest_subscription = 1024;
[[nodiscard]] constexpr Allowance of_follower(bool keyed) {
  const std::uint64_t at_once = keyed ? 1280 : 320;
  return {.at_once = at_once, .untaken = 4 << 20U, .modest = at_once / 4 * 3, .strangers = 128};
}
// A link brings answers, one at a time; a stream as much as is taken, and beyond this a publisher
// may retain as much again (Options::retain_bytes).
inline constexpr Allowance of_link{.untaken = 24 << 20U};
inline constexpr Allowance of_stream{.untaken = 64 << 20U};
static_assert(base::limits::frame_bytes + base::limits::answer_bytes < of_link.untaken);

}  // namespace tidegate::zeromq
