// Sizes and durations as people write and read them: "64MiB", "500ms".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "tidegate/result.hpp"
#include "tidegate/time.hpp"

namespace tidegate::command {

// A whole number with a unit: B, kB, MB, GB (powers of 1000), KiB, MiB, GiB (powers of 1024);
// without one it counts bytes. A blank may stand between them.
[[nodiscard]] Result<std::uint64_t> parse_size(std::string_view text);

// A whole number with a unit, which must be given: us, ms, s, min or h.
[[nodiscard]] Result<Duration> parse_duration(std::string_view text);

// The exact form that the functions above read back, in the largest unit that is exact: "256MiB".
[[nodiscard]] std::string exact_size(std::uint64_t bytes);
[[nodiscard]] std::string exact_duration(Duration duration);

// Rounded, for people: "4.2 KiB"; "1.3 ms", "12.0 s", "2 h 13 min".
[[nodiscard]] std::string rough_size(std::uint64_t bytes);
[[nodiscard]] std::string rough_duration(Duration time);

}  // namespace tidegate::command
