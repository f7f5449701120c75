// One run of the gate bench: a process commits rows on the primary and announces them at given
// times, another reads each when it hears of it; both are judged by what they have written down.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "bench/gate_workers.hpp"
#include "support/server.hpp"

namespace tidegate::bench {

struct GatePlan {
  std::string announcer;  // a source or a carrier
  Places places;
  Cure cure;
  std::vector<Duration> due;  // of each row, from the beginning
  // By a sampler of the replica, which takes processor time from all others.
  bool watched = false;
};

// Times in nanoseconds, ascending.
struct GateRun {
  std::string failure;
  std::size_t rows = 0;
  std::size_t missed = 0;                 // rows that were not read
  std::size_t stale = 0;                  // first readings without the row
  std::vector<std::int64_t> to_read;      // from commit to the row read
  std::vector<std::int64_t> to_replayed;  // from commit to replayed; watched only
  std::vector<std::int64_t> to_arrived;   // from replayed to delivered; watched only
  std::vector<std::int64_t> held;         // of that in the gate; watched only
  // From the later of replayed and arrived at the peer to delivered: what no replica and no way
  // explain; watched only.
  std::vector<std::int64_t> excess;
  // From delivered to read, of rows that were there: one question to the server; watched only.
  std::vector<std::int64_t> reading;
  std::int64_t watched_each = 0;  // by the sampler; replayed may be told so much too early
  std::vector<std::pair<double, double>> timeline;  // s from the first commit, ms to the row read
  double queries = 0;                               // of all, a row
  double reader_cpu = 0;                            // microseconds a row
  double primary_cpu = 0;
  double replica_cpu = 0;
};

// Throws when a process fails. `program` is this one.
[[nodiscard]] GateRun run_gate(const std::string& program, support::Server& primary,
                               support::Server& replica, const GatePlan& plan);

// Returns when the replica has all that the primary has committed.
void wait_for_replica(support::Server& primary, support::Server& replica);

inline constexpr Duration longest_start = std::chrono::seconds(20);
inline constexpr Duration longest_silence = std::chrono::seconds(30);

}  // namespace tidegate::bench
