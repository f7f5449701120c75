// The history of a place in a cluster's log: through which timelines it was reached.
//
// A timeline number alone does not name a history: two standbys that are promoted apart give their
// timelines the same number. The whole chain of timelines does, each with its number, with the
// place where it begins, and with the time of the promotion that began it. (Number and place may
// coincide, too, after a clean switchover and back.)
//
// A server does not always tell all of it, so a part may be unknown. Unknown parts are taken to be
// equal: with less knowledge a history names more than one branch.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "tidegate/export.hpp"
#include "tidegate/result.hpp"

namespace tidegate {

// Counts from 1, one more with every promotion.
using TimelineId = std::uint32_t;

struct HistoryEntry {
  TimelineId number = 0;
  // Offset in the log at which the timeline begins. 0 for timeline 1; for another one: not known.
  std::uint64_t begin = 0;
  // When its server was promoted, in microseconds since 1970. 0: not known, or timeline 1.
  std::int64_t promoted = 0;

  friend bool operator==(const HistoryEntry&, const HistoryEntry&) = default;
};

// Immutable and shared: a copy is one pointer and a count. May be read by several threads.
class TIDEGATE_EXPORT History {
 public:
  History() = default;  // nothing is known

  // From the oldest timeline that is known to the present one. Refused: none, more than
  // limits::history_entries, numbers that don't rise, and begins that fall.
  static Result<History> of(std::vector<HistoryEntry> entries);

  [[nodiscard]] bool known() const { return entries_ != nullptr; }

  // Valid as long as some copy of this history is there.
  [[nodiscard]] std::span<const HistoryEntry> entries() const {
    return known() ? std::span(*entries_) : std::span<const HistoryEntry>();
  }

  // The present one; 0 when nothing is known.
  [[nodiscard]] TimelineId timeline() const { return known() ? entries_->back().number : 0; }

  // Nothing in it is unknown.
  [[nodiscard]] bool complete() const;
  // All of it is but the number of the present timeline, and that may be one of several branches.
  [[nodiscard]] bool number_alone() const;

  // The same entries, unknown parts included.
  friend bool operator==(const History& a, const History& b) {
    if (a.entries_ == b.entries_) return true;
    return a.known() && b.known() && *a.entries_ == *b.entries_;
  }

 private:
  explicit History(std::vector<HistoryEntry> entries);

  std::shared_ptr<const std::vector<HistoryEntry>> entries_;
};

// How one history stands to another.
struct Kinship {
  enum class Kind : std::uint8_t {
    same,
    ancestor,    // the other one came through its present timeline and left it at `left_at`
    descendant,  // it came through the other's present timeline and left that at `left_at`
    apart,       // each has a timeline that the other has not come through
  };
  Kind kind = Kind::same;
  // Offset; of two that are apart, where they have parted at the latest.
  std::uint64_t left_at = 0;  // 0 and the highest number where it is not known, see below
};

// Where the two have no known timeline in common, the one with the higher number is taken for the
// descendant, and the place is the one that shows least: an ancestor was left at 0 (nothing of it
// has survived), a descendant will leave at the highest offset (everything may still come). Where
// two part at places that are not known, it is the highest offset.
[[nodiscard]] TIDEGATE_EXPORT Kinship kinship(std::span<const HistoryEntry> of,
                                              std::span<const HistoryEntry> to);
[[nodiscard]] inline Kinship kinship(const History& of, const History& to) {
  return of == to ? Kinship{} : kinship(of.entries(), to.entries());
}

}  // namespace tidegate
