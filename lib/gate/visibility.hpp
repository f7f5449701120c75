// The rule that decides what a message may do: each kind of server has its own, in a file of its
// own. A message is delivered only if the rule says so, and the rule looks at nothing but the
// message's position and one reading of the receiver's own server.
//
// 1. Nothing early: `visible` means that a snapshot taken on that server from now on sees the
//    change.
// 2. Nothing lost is shown: `orphaned` means that no further reading of the server's present life
//    will ever show it.
// 3. Nothing is called lost that may be there: `in_doubt` means that the server's history has left
//    the position's before the position, but not before the place behind which the change lies.
#pragma once

#include <cstdint>
#include <limits>

#include "tidegate/covered.hpp"
#include "tidegate/position.hpp"
#include "tidegate/tide.hpp"

namespace tidegate::gate {

// All that the reading shows.
[[nodiscard]] Position place_of(const Tide& tide);

// A position of another kind or cluster is foreign.
[[nodiscard]] Visibility visibility_of(const Position& position, const Tide& tide);

// How far on the way to the position the server can show all there is; `anywhere` if it may come to
// the position itself.
inline constexpr auto anywhere = std::numeric_limits<std::uint64_t>::max();
[[nodiscard]] std::uint64_t reach_towards(const Position& position, const Tide& tide);

// The same, told to somebody who has asked.
[[nodiscard]] Covered covered_of(Visibility visibility);

// A position that is pending stays so while the server stays on its history and has not come to its
// offset. (Otherwise it may be lost before.)
[[nodiscard]] bool pending_until_offset(const Position& position, const Tide& tide);

// No server comes so much further while another one of its cluster looks on: what lies beyond is a
// publisher's error, and nothing else may depend on it. (A terabyte of log; a promotion an hour for
// six weeks.)
inline constexpr std::uint64_t most_bytes_ahead = std::uint64_t{1} << 40U;
inline constexpr TimelineId most_promotions_ahead = 1'000;

// A pending position may yet be reached from there.
[[nodiscard]] bool can_come(const Position& position, const Tide& tide);

}  // namespace tidegate::gate
