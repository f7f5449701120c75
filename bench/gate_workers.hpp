// The processes of a gate run: one commits rows on the primary and announces each, the other reads
// each row when it hears of it; or several commit without a pause and another only hears.
//
// All say "ready", do their part, write what they have seen to a file (raw records, below), and
// leave when their input ends.
#pragma once

#include <cstdint>
#include <string>

#include "bench/sources/source.hpp"
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
  std::string announcer;  // a source or a carrier
  Places places;          // the address of a carrier stands for that of a mesh
  std::string due;        // a file: when each row is due, ns since the beginning
  std::string file;       // gets when each row was committed, ns
};
// When it has sent all: "sent <questions to the primary>"; tidegate's for a position.
int run_committer(const CommitterTask& task);

struct RowCheckerTask {
  std::string announcer;
  Places places;
  Cure cure;
  std::string server;  // where it reads the rows
  std::size_t count = 0;
  std::string file;  // gets Seen, by number
};
// When it has read all rows, or is told to stop: "got <queries> <those of the listener> <CPU us>".
int run_row_checker(const RowCheckerTask& task);

struct WritersTask {
  std::string announcer;  // a source; "": none
  Places places;
  std::size_t writers = 1;
  Duration length{};
};
// Writers that commit a row each as fast as they can: "wrote <rows> <p50 of one commit, us>".
int run_writers(const WritersTask& task);

struct ListenerTask {
  std::string announcer;
  Places places;
};
// The other side of writers: it is told how many rows there are, and says when it has heard of all,
// or for 5 seconds of none: "heard <rows>".
int run_listener(const ListenerTask& task);

}  // namespace tidegate::bench
