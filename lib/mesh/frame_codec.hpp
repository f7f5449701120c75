// Frames as bytes: MessagePack arrays, the first element the kind.
//
// Decoding never throws, never reads past the bytes, and allocates no more than a small multiple
// of their number, whatever they claim. The decoder is told the channel: a frame of another channel
// is misplaced, an unknown kind and every field out of its bounds make it malformed. Fields behind
// the last known one are skipped, which is how a later version may add some.
#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "lib/mesh/branch_bytes.hpp"
#include "lib/mesh/frame.hpp"

namespace tidegate::mesh {

// The frame must respect limits.hpp: what is refused on arrival is never sent.
[[nodiscard]] std::string encode(const CallFrame& frame);
[[nodiscard]] std::string encode(const AnswerFrame& frame);
// Behind the name of its part (stream_part.hpp), or alone, as in a datagram.
[[nodiscard]] std::string encode(const StreamFrame& frame, std::string_view part = {});
[[nodiscard]] std::string encode(const Data& data);  // the same on both its channels

struct Malformed {
  std::string why;
};

// Of a kind that has no place on this channel; the rest was not looked at.
struct Misplaced {};

template <typename Channel>
using Decoded = std::variant<Channel, Malformed, Misplaced>;

// `Channel` is CallFrame, AnswerFrame or StreamFrame. `known` makes frames share their branches.
template <typename Channel>
[[nodiscard]] Decoded<Channel> decode(std::string_view bytes, KnownBranches& known);

// A frame that stands alone.
template <typename Channel>
[[nodiscard]] Decoded<Channel> decode(std::string_view bytes) {
  KnownBranches none;
  return decode<Channel>(bytes, none);
}

}  // namespace tidegate::mesh
