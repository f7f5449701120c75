// Judges what cursors of an outbox are given, by the truth about the rows and by no code of lib/.
//
// 1. No row comes that the server did not show: not committed, rolled back, undone.
// 2. A row that was done comes no more once its cursor is kept, nor while it is under way. If the
//    reader has told that its past is undone, or foreign, rows of the range that it told may.
// 3. The rows of a session come in their order in each life of a reader, the first time.
// 4. A loss is told only where there is one, and of a cursor that has begun.
// 5. In the end each row that survives is done, was there before the cursor began, or is in a range
//    that was told as removed; each that was done and does not survive is in one told as undone.
//
// "Done" goes back with the cursor: what was done behind the state that a restart begins with has
// to come again, as an application may keep its cursor beside what it has made of the rows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "tests/sim/history.hpp"
#include "tests/sim/outbox_log.hpp"

namespace tidegate::sim {

class OutboxOracle {
 public:
  using CursorId = std::size_t;
  enum class Loss : std::uint8_t { removed, undone, foreign };
  struct Told {
    Loss why = Loss::removed;
    Xid first = 0;
    Xid last = 0;
  };
  // All that a cursor covers, to be kept with it.
  struct State {
    bool begun = false;
    bool wants_all = false;
    bool catches_up = true;  // no reading had all yet
    Xid begun_behind = 0;    // of transactions before this one rows were removed already
    std::vector<std::uint8_t> marks = {};  // by row
    std::vector<Told> told = {};
    std::vector<Place> shown = {};  // none lies on the way to the next
  };
  // Of a reading: where the server was when it showed the rows, and as it told it.
  struct Reading {
    Place rows;
    Place tide;
    bool whole = false;  // there was no more to read
  };

  OutboxOracle(const History& history, const OutboxLog& log) : history_(history), log_(log) {}

  // A new one, or one whose file is lost.
  void fresh(CursorId id, bool wants_all);
  // Goes on from there.
  void restarted(CursorId id, const State& state);
  [[nodiscard]] const State& state(CursorId id) { return cursors_[id].state; }

  // In this order for each reading; `begins`: it has a cursor now.
  void read(CursorId id, const Reading& reading, bool begins);
  void lost(CursorId id, const Told& told, const Reading& reading);
  void delivered(CursorId id, RowNumber row, const Place& shown);
  void done(CursorId id, RowNumber row);

  // All servers show the same, and all readers have come to an end.
  void finish(const Place& end);

  void fail(const std::string& rule, const std::string& what);
  [[nodiscard]] const std::optional<std::string>& violation() const { return violation_; }

 private:
  struct Cursor {
    State state;
    std::set<RowNumber> under_way;
    // Of all lives: what comes again behind a restart is in no order.
    std::set<RowNumber> ever;
    std::map<std::size_t, RowNumber> last_of;  // session
  };

  void has_begun(State& state, const Place& place, bool is_first);
  [[nodiscard]] bool is_true(const State& state, const Told& told, const Reading& reading) const;
  [[nodiscard]] bool is_removed(const OutboxLog::Row& row, const Place& place) const;
  void judge(CursorId id, RowNumber row, const Place& end);
  [[nodiscard]] std::string text_of(CursorId id, RowNumber row) const;

  const History& history_;
  const OutboxLog& log_;
  std::map<CursorId, Cursor> cursors_;
  std::optional<std::string> violation_;
};

}  // namespace tidegate::sim
