// Where a change stands in the history of a PostgreSQL cluster: which cluster, which timeline,
// which LSN. An LSN alone is not enough: after a failover the same numbers mean other changes.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tidegate/export.hpp"
#include "tidegate/history.hpp"
#include "tidegate/lsn.hpp"
#include "tidegate/result.hpp"

namespace tidegate {

// `system_identifier` of pg_control_system(): made by initdb, shared by a primary and all replicas.
using SystemId = std::uint64_t;

struct Position {
  SystemId system = 0;
  TimelineId timeline = 0;
  Lsn lsn;

  // Orders places of one cluster as its history does. Between clusters the order is only total.
  friend auto operator<=>(const Position&, const Position&) = default;
};

// For people: "2:16/B374D848", without the system identifier, which is the same everywhere unless
// something is badly wrong.
[[nodiscard]] TIDEGATE_EXPORT std::string to_string(const Position& position);

// For machines: the whole position as one word, "7423456789012345678/2/16/B374D848", to be carried
// in a header or a text field; and back.
[[nodiscard]] TIDEGATE_EXPORT std::string to_text(const Position& position);
[[nodiscard]] TIDEGATE_EXPORT Result<Position> position_from_text(std::string_view text);

// The ancestors of a timeline: where the history left each of them. PostgreSQL keeps this in
// `0000000N.history` and answers it to TIMELINE_HISTORY.
class TIDEGATE_EXPORT TimelineHistory {
 public:
  struct Switch {
    TimelineId timeline = 0;
    Lsn end;  // the first byte that is no longer of this timeline

    friend bool operator==(const Switch&, const Switch&) = default;
  };

  TimelineHistory() = default;
  explicit TimelineHistory(std::vector<Switch> switches) : switches_(std::move(switches)) {}

  // Where the history left `timeline`; nullptr when it is not an ancestor. The pointer lives as
  // long as this object.
  [[nodiscard]] const Switch* ancestor(TimelineId timeline) const;
  [[nodiscard]] const std::vector<Switch>& switches() const { return switches_; }

  friend bool operator==(const TimelineHistory&, const TimelineHistory&) = default;

 private:
  std::vector<Switch> switches_;
};

// Reads the text of a history file: a line for each ancestor, "timeline <tab> LSN <tab> reason";
// blank lines and lines that begin with # say nothing.
[[nodiscard]] TIDEGATE_EXPORT Result<TimelineHistory> parse_timeline_history(std::string_view text);

}  // namespace tidegate
