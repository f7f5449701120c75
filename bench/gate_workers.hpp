// The two processes of a gate run: one commits rows on the primary and announces each, the other
// reads each row when it hears of it.
//
// Both say "ready", do their part, write what they have seen to a file (raw records, below), and
// leave when their input ends.
#pragma once

#include <cstdint>
#include <string>

#include "tidegate/time.hpp"

namespace tidegate::bench {

// How a reader makes sure of the row.
struct Cure {
  std::string name;
  bool gated = false;         // by tidegate's gate
  bool on_primary = false;    // reads there
  Duration first_pause{};     // from the announcement to the first reading
  Duration pause{1'000'000};  // to the next one, as long as the row is not there
};

// Of each message, by its number. Nanoseconds of the monotonic clock; 0: it did not come to it.
struct Seen {
  std::int64_t arrived = 0;  // the application got the announcement
  std::int64_t read = 0;     // it has read the row
  std::uint64_t lsn = 0;     // that the message carried; gated only
  std::int64_t held = 0;     // how long by the gate, ns
  std::uint64_t stale = 0;   // readings without the row
};

struct CommitterTask {
  std::string carrier;  // "": tidegate with a position
  std::string address;
  std::string primary;
  std::string due;   // a file: when each row is due, ns since the beginning
  std::string file;  // gets when each row was committed, ns
};
// When it has sent all: "sent <questions to the primary>"; tidegate's for a position.
int run_committer(const CommitterTask& task);

struct RowCheckerTask {
  Cure cure;
  std::string carrier;
  std::string address;
  std::string server;  // that it reads
  std::size_t count = 0;
  std::string file;  // gets Seen, by number
};
// When it has read all rows, or is told to stop: "got <queries> <polls of the gate> <CPU us>".
int run_row_checker(const RowCheckerTask& task);

}  // namespace tidegate::bench
