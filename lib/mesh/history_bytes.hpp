// A history on the wire: 20 bytes for each timeline, its number (4), begin (8) and promotion (8),
// big-endian. All have the same size, so a history that was read before is known by its bytes.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "lib/base/limits.hpp"
#include "tidegate/history.hpp"

namespace tidegate::mesh {

inline constexpr std::size_t history_entry_bytes = 20;
static_assert(base::limits::history_bytes == base::limits::history_entries * history_entry_bytes);

[[nodiscard]] std::array<char, history_entry_bytes> entry_bytes(const HistoryEntry& entry);
[[nodiscard]] std::string history_bytes(const History& history);

// Nothing, if they are no history.
[[nodiscard]] std::optional<History> history_from(std::string_view bytes);

// The last few histories that were read. Nearly every frame brings one of them again, and so all
// its messages, and those of the frames before and after, share one copy.
class KnownHistories {
 public:
  [[nodiscard]] std::optional<History> read(std::string_view bytes);

 private:
  struct Known {
    std::string bytes;
    History history;
  };
  std::array<Known, 8> known_;
  std::size_t next_ = 0;  // to be forgotten
};

}  // namespace tidegate::mesh
