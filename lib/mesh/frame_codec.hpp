// Frames as bytes: MessagePack arrays, the first element the kind.
//
// Decoding never throws, never reads past the bytes, and allocates no more than a small multiple
// of their number, whatever they claim. An unknown kind and every field out of its bounds is an
// error; fields behind the last known one are skipped, which is how a later version may add some.
#pragma once

#include <string>
#include <string_view>

#include "lib/mesh/frame.hpp"
#include "tidegate/result.hpp"

namespace tidegate::mesh {

// The frame must respect limits.hpp: what is refused on arrival is never sent.
[[nodiscard]] std::string encode(const Frame& frame);

[[nodiscard]] Result<Frame> decode(std::string_view bytes);

}  // namespace tidegate::mesh
