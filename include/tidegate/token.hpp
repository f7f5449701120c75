// A position as a short word, to travel through a cookie, an URL or a job's arguments: whoever gets
// it asks the peer beside it whether the server that it reads shows the change (Peer::covered).
//
//     const auto position = tidegate::commit(connection);
//     if (position) set_cookie("seen", tidegate::to_token(*position));
//
// It has letters, digits, '-', '_' and one '.'; of a cluster without failovers about 40 of them,
// and about 20 more for each of up to three failovers. There is no secret in it, and nothing to
// trust either: anybody can make one. A wrong one is at worst waited for in vain.
//
// A long history is shortened: only the latest timelines are named, which is enough to know all of
// them (lib/message/token.cpp says why). to_text() of position.hpp leaves out nothing.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "tidegate/export.hpp"
#include "tidegate/position.hpp"
#include "tidegate/result.hpp"

namespace tidegate {

// No token is longer.
inline constexpr std::size_t longest_token = 308;

// Of a position of something, whose history is known; else empty.
[[nodiscard]] TIDEGATE_EXPORT std::string to_token(const Position& position);

// One character that was changed, lost or exchanged with its neighbour is noticed.
[[nodiscard]] TIDEGATE_EXPORT Result<Position> parse_token(std::string_view token);

}  // namespace tidegate
