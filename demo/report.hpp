// The events that the writer and the readers tell the stage: one line of text for each, on their
// standard output.
//
// The instants are of CLOCK_MONOTONIC, which all processes of a host share; so they can be
// compared here although `Instant` promises that within one process only.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "tidegate/lsn.hpp"
#include "tidegate/time.hpp"

namespace tidegate::demo {

// The peer is about to start: to bind its sockets and to look for others.
struct Started {
  Instant at;
};

// Messages flow between this peer and that one.
struct Met {
  Instant at;
  std::string name;
};

// COMMIT of the row has returned on the primary.
struct Committed {
  Instant at;
  int row = 0;
};

// The announcement of a row was delivered, and then the reader looked for the row.
struct Delivered {
  Instant at;  // of the delivery, before the look
  int row = 0;
  Duration held{};  // by the gate
  Lsn lsn;          // the position that the announcement carries
  bool readable = false;
};

// Announcements that will not be delivered.
struct Lost {
  std::uint64_t count = 0;
  std::string why;
};

// Something is not as it should be, but the process goes on.
struct Noted {
  std::string what;
};

// The process can't go on.
struct Failed {
  std::string what;
};

using Report = std::variant<Started, Met, Committed, Delivered, Lost, Noted, Failed>;

// Writes the line with one write(), so that lines of several threads don't mix.
void tell(const Report& report);

// Nothing when the line is none of the above.
[[nodiscard]] std::optional<Report> parse_report(std::string_view line);

}  // namespace tidegate::demo
