// The beginning of every payload: when the message was due, so that a receiver can say how late it
// is. All processes of a run share the machine's monotonic clock.
#pragma once

#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include "tidegate/time.hpp"

namespace tidegate::bench {

struct Stamp {
  std::int64_t due = 0;      // ns of the monotonic clock
  std::uint64_t number = 0;  // dense, from 0; the warm-up has none
  bool warm_up = false;
};

inline constexpr std::size_t stamp_bytes = sizeof(Stamp);

inline std::int64_t nanoseconds(Instant instant) { return instant.time_since_epoch().count(); }

inline void write(const Stamp& stamp, std::string& payload) {
  std::memcpy(payload.data(), &stamp, sizeof stamp);
}

// nullopt: not one of ours.
inline std::optional<Stamp> read_stamp(std::string_view payload) {
  if (payload.size() < stamp_bytes) return std::nullopt;
  Stamp stamp;
  std::memcpy(&stamp, payload.data(), sizeof stamp);
  return stamp;
}

}  // namespace tidegate::bench
