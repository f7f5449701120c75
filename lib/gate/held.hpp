// A message that waits, as far as the gate must know it.
//
// Its content is no business of the gate: an Item is anything that can be moved and tells its
// weight, and a Source tells publishers apart. The peer holds packed messages of publishers,
// the gate without a mesh plain strings of one source.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "tidegate/position.hpp"
#include "tidegate/time.hpp"

namespace tidegate::gate {

template <typename T>
concept HoldableItem = std::movable<T> && requires(const T& item) {
  // The bytes that it counts for in the bounds; always the same.
  { item.footprint() } -> std::same_as<std::size_t>;
  // It will be needed soon: may fetch its memory meanwhile.
  item.prefetch();
};

template <typename T>
concept SourceKey = std::copyable<T> && std::totally_ordered<T>;

// The dependency of a message. It is delivered when its own position is visible and the inherited
// one is not pending; it is reported when the own one will never be visible. The inherited one
// counts no longer where it is lost, or may be: the message itself may be true all the same.
struct Awaited {
  std::optional<Position> own;
  std::optional<Position> inherited;
};

template <SourceKey Source, HoldableItem Item>
struct Held {
  Item item;
  Awaited awaited;
  Source source{};
  std::uint64_t sequence = 0;  // rises within a source
  Instant since{};             // its arrival
};

}  // namespace tidegate::gate
