// A gate under test whose items are names: short ways to hold some, to answer for the server, and
// to tell in one line what comes out.
#pragma once

#include <optional>
#include <string>
#include <utility>

#include <doctest/doctest.h>

#include "lib/gate/gate.hpp"
#include "tests/lib/samples.hpp"

namespace tidegate::testing::gates {

inline constexpr Instant start = Instant(std::chrono::hours(5));
inline constexpr std::size_t plenty = 1'000'000;

// The answer of a server that has replayed up to `lsn` of timeline 2, which left timeline 1 at 100.
inline Tide replayed(std::uint64_t lsn) { return {{home, 1}, history("1 2@100"), lsn}; }

// A held item is its name, and weighs 100 bytes.
struct Named {
  std::string name;

  [[nodiscard]] std::size_t footprint() const { return 100; }
  void prefetch() const {}
};
inline constexpr std::size_t weight = 100;

using Gate = gate::Gate<int, Named>;

// Each from a source of its own, unless it is said.
inline void hold(Gate& gate, std::string name, std::optional<Position> at, Instant now = start,
                 std::optional<int> source = std::nullopt) {
  static int held = 0;
  ++held;
  gate.hold({{std::move(name)},
             {std::move(at), std::nullopt},
             source.value_or(held),
             static_cast<std::uint64_t>(held),
             now});
}

inline Position at(std::uint64_t lsn, TimelineId timeline = 2) { return place(timeline, lsn); }

// The same of a change that lies behind `after`.
inline Position behind(std::uint64_t after, Position position) {
  position.after = after;
  return position;
}

// One that needs no room if it is visible, as the application takes what is released.
inline bool takes(const Gate& gate, const Position& position, std::size_t bytes = weight,
                  int source = 0) {
  return gate.takes(source, position, std::nullopt, bytes,
                    gate.visibility(position, std::nullopt) == Visibility::visible);
}

// All whose fate is decided: "a", "b orphaned", "c foreign".
inline std::string released(Gate& gate, Instant now = start) {
  std::string text;
  while (const auto one = gate.release(now)) {
    if (!text.empty()) text += ", ";
    text += one->held.item.name;
    if (one->visibility == Visibility::pending) text += " overdue";
    if (one->visibility == Visibility::orphaned) text += " orphaned";
    if (one->visibility == Visibility::in_doubt) text += " in doubt";
    if (one->visibility == Visibility::foreign) text += " foreign";
  }
  return text;
}

inline Gate with_server() {
  Gate gate(true, plenty);
  gate.server_up();
  return gate;
}

inline void poll(Gate& gate, Instant now, std::optional<Tide> answer) {
  REQUIRE(gate.take_poll(now));
  gate.polled(std::move(answer));
}

}  // namespace tidegate::testing::gates
