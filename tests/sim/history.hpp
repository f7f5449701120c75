// The truth about the changes: what each PostgreSQL cluster has written, on which timeline, and
// what a crash has taken back. The database model writes it, the oracle reads it.
//
// Nothing here is taken from lib/, whose rule of the same questions is what is under test.
//
// A cluster is a tree of timelines, each of which leaves its parent at an LSN. Each has a true
// name, the order in which it began, which is what `timeline` means here, also in traces: the
// number that PostgreSQL gives it, one more than that of its parent, may be that of another one. A
// place (timeline, LSN) shows what lies on the way from the root to it. Only a crash of a primary
// takes something off a timeline, from the flushed end on, and other changes then get the same
// LSNs.
#pragma once

#include <cstdint>
#include <vector>

namespace tidegate::sim {

using ChangeId = std::uint32_t;
inline constexpr ChangeId no_such_change = 0;

// How far a server has come.
struct Place {
  std::uint64_t system = 0;
  std::uint32_t timeline = 0;
  std::uint64_t lsn = 0;
};

class History {
 public:
  // A timeline on the way to a place, and what a server tells of it.
  struct Step {
    std::uint32_t timeline = 0;
    std::uint32_t number = 0;
    std::uint64_t begin = 0;
    std::int64_t promoted = 0;  // no two have the same; 0: the first one
  };

  // A cluster with an empty timeline 1 that begins at `start`.
  void found(std::uint64_t system, std::uint64_t start);

  // A new timeline that leaves `from`.
  std::uint32_t branch(const Place& from);

  // A record at the end of a timeline; `change` is 0 when it is nobody's. Where it ends.
  std::uint64_t write(std::uint64_t system, std::uint32_t number, std::uint64_t bytes,
                      bool is_change, ChangeId& change);

  // A crash: what lies behind `flushed` never was.
  void cut_off(std::uint64_t system, std::uint32_t number, std::uint64_t flushed);

  [[nodiscard]] std::uint64_t end(std::uint64_t system, std::uint32_t number) const;

  // The end of the last record up to there.
  [[nodiscard]] std::uint64_t whole(std::uint64_t system, std::uint32_t number,
                                    std::uint64_t lsn) const;

  // The end of a record in (from, to] of a timeline, by a number that chooses.
  [[nodiscard]] std::uint64_t boundary(std::uint64_t system, std::uint32_t number,
                                       std::uint64_t from, std::uint64_t to,
                                       std::uint64_t choice) const;

  // The timelines through which one is reached, itself included.
  [[nodiscard]] std::vector<Step> way_to(std::uint64_t system, std::uint32_t number) const;

  // The timeline after `from` on the way to `to`; 0: `from` is no ancestor of it.
  [[nodiscard]] std::uint32_t next_towards(std::uint64_t system, std::uint32_t from,
                                           std::uint32_t to) const;
  // Where a timeline left its parent.
  [[nodiscard]] std::uint64_t begin(std::uint64_t system, std::uint32_t number) const;

  // Whether (timeline, lsn) of the same cluster lies on the way to `place`.
  [[nodiscard]] bool contains(const Place& place, std::uint32_t number, std::uint64_t lsn) const;
  // Whether it never will, wherever `place` moves on: along its timeline, and over forks that it is
  // not past.
  [[nodiscard]] bool excludes(const Place& place, std::uint32_t number, std::uint64_t lsn) const;

  // The timeline that a promotion began; 1 for none.
  [[nodiscard]] std::uint32_t timeline_promoted(std::uint64_t system, std::int64_t promoted) const;

  // Whether a server at `place` shows the change.
  [[nodiscard]] bool shows(const Place& place, ChangeId id) const;
  // Whether it never will.
  [[nodiscard]] bool undone(const Place& place, ChangeId id) const;

  struct Change {
    Place place;              // its end
    bool erased = false;      // by a crash
    std::uint64_t begin = 0;  // of its record
  };
  [[nodiscard]] const Change& change(ChangeId id) const { return changes_[id]; }
  [[nodiscard]] ChangeId last_change() const { return static_cast<ChangeId>(changes_.size() - 1); }

 private:
  struct Record {
    std::uint64_t end = 0;
    ChangeId change = no_such_change;
  };
  struct Timeline {
    std::uint32_t parent = 0;
    std::uint64_t begin = 0;
    std::vector<Record> records;
  };
  struct Cluster {
    std::uint64_t system = 0;
    std::vector<Timeline> timelines;  // [0] is number 1
  };

  [[nodiscard]] Cluster& cluster(std::uint64_t system);
  [[nodiscard]] const Timeline& timeline(std::uint64_t system, std::uint32_t number) const;

  std::vector<Cluster> clusters_;
  std::vector<Change> changes_ = {Change{}};
};

}  // namespace tidegate::sim
