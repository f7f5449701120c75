// All that is known of a run: the lives of the peers with their records, and the faults.
//
// Thread-safe, until the run is over: one thread makes faults and lives, another reads the journals
// on and shows progress. The const functions without a lock are for the time after that.
#pragma once

#include <deque>
#include <filesystem>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "tests/soak/faults.hpp"
#include "tests/soak/journal.hpp"
#include "tests/soak/record.hpp"

namespace tidegate::soak {

// One life of a peer: one process.
struct Life {
  int peer = 0;
  std::string name;    // "peer-3.2"
  std::string server;  // that it reads
  bool killed = false;
  std::vector<Record> records;
};

// A fault that has happened.
struct Happening {
  FaultKind kind = FaultKind::kill_peer;
  std::string what;
  Instant begin;
  Instant end = never;
};

// A standby had received more than the one that took over, and showed a history that nobody
// continued until it was copied.
struct Astray {
  std::string server;
  Instant begin;
  Instant end;
};

class History {
 public:
  History();

  void born(int peer, const std::string& name, const std::string& server,
            const std::filesystem::path& journal);
  void killed(int peer);  // in its last life
  std::size_t fault_begins(FaultKind kind, const std::string& what);
  void fault_ends(std::size_t fault);
  void went_astray(const Astray& astray);

  // Reads what the journals hold by now.
  void read_on();

  // How each peer stood when it last said so, in its last life; nothing where it has not yet.
  struct LastStanding {
    Instant at;
    Standing standing;
  };
  [[nodiscard]] std::vector<std::optional<LastStanding>> last_standings(int peers) const;

  // "  12.3 s   published 812   delivered 5301   held 3   | peer-2 stopped"
  [[nodiscard]] std::string progress() const;
  [[nodiscard]] std::string since_begin(Instant when) const;
  [[nodiscard]] Instant last_traffic() const;

  [[nodiscard]] const std::deque<Life>& lives() const { return lives_; }
  [[nodiscard]] const std::vector<Happening>& faults() const { return faults_; }
  [[nodiscard]] const std::vector<Astray>& astray() const { return astray_; }

 private:
  void take(Life& life, Record record);

  mutable std::mutex mutex_;
  Instant begin_;
  std::deque<Life> lives_;
  std::vector<JournalReader> journals_;  // of each life
  std::vector<Happening> faults_;
  std::vector<Astray> astray_;
  std::uint64_t published_ = 0;
  std::uint64_t delivered_ = 0;
  Instant last_traffic_;
};

// "peer-2 stopped, primary killed": what was going on, or had just ended; "no fault".
[[nodiscard]] std::string under_way(const std::vector<Happening>& faults, Instant when,
                                    Duration aftermath);

}  // namespace tidegate::soak
