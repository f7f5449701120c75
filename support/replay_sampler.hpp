// When the replica had replayed what, seen from outside: a connection of its own asks again and
// again for pg_last_wal_replay_lsn(). It shares no code with the gate, whose witness it is.
//
// It keeps the *earliest* moment: when the last question was sent that was still answered with
// less. A time that is measured from there (replayed -> delivered) is too long by up to one query,
// and never too short.
//
// A thread of its own asks, from the constructor until stop().
#pragma once

#include <atomic>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "support/session.hpp"
#include "tidegate/lsn.hpp"
#include "tidegate/time.hpp"

namespace tidegate::support {

class ReplaySampler {
 public:
  // Throws when the replica can't be connected to.
  explicit ReplaySampler(const std::string& replica);
  ~ReplaySampler() { stop(); }
  ReplaySampler(const ReplaySampler&) = delete;
  ReplaySampler& operator=(const ReplaySampler&) = delete;

  void stop();

  // After stop(): not replayed before this moment; nothing when it was not replayed until the end.
  [[nodiscard]] std::optional<Instant> replayed_after(Lsn lsn) const;
  // After stop(): the mean time between two questions.
  [[nodiscard]] Duration interval() const;

 private:
  struct Step {
    Lsn lsn;
    Instant not_before;
  };

  void ask_on();

  Session session_;
  std::vector<Step> steps_;  // ascending; a new one whenever the answer has changed
  Instant begin_;
  Instant end_;
  int questions_ = 0;
  std::atomic<bool> stopping_ = false;
  std::thread thread_;
};

}  // namespace tidegate::support
