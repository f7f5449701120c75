// Where a change stands: in which cluster, on which history of its log, at which place there. An
// offset alone is not enough: after a failover the same numbers mean other changes, and two servers
// that were promoted apart may even give their timelines the same number.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "tidegate/export.hpp"
#include "tidegate/history.hpp"
#include "tidegate/result.hpp"

namespace tidegate {

// Which rule tells whether a server shows a position.
enum class ServerKind : std::uint8_t {
  postgres = 1,
};

// Shared by a primary and all its replicas. PostgreSQL: `system_identifier` of pg_control_system(),
// made by initdb.
using ClusterId = std::uint64_t;

struct Position {
  ServerKind kind = ServerKind::postgres;
  ClusterId cluster = 0;
  History history;           // known, if this is the position of something
  std::uint64_t offset = 0;  // in the log, in bytes; PostgreSQL's LSN, without page header

  [[nodiscard]] TimelineId timeline() const { return history.timeline(); }

  friend bool operator==(const Position&, const Position&) = default;
};

// For people: timeline and LSN, "2:16/B374D848".
[[nodiscard]] TIDEGATE_EXPORT std::string to_string(const Position& position);

// For machines: the whole position as one word, to be carried in a header or a text field; and
// back. Kind, cluster, each timeline with its begin and promotion (0 is left out), and offset:
//
//     postgres:7423456789012345678:1,2@16/B3000160@1795640443355842:16/B374D848
[[nodiscard]] TIDEGATE_EXPORT std::string to_text(const Position& position);
[[nodiscard]] TIDEGATE_EXPORT Result<Position> position_from_text(std::string_view text);

}  // namespace tidegate
