#include "tests/sim/outbox_oracle.hpp"

#include <algorithm>

namespace tidegate::sim {
namespace {

// Of a row, for a cursor.
constexpr std::uint8_t is_done = 1;
constexpr std::uint8_t must_not_come = 2;
constexpr std::uint8_t is_not_owed = 4;

std::uint8_t& mark_of(OutboxOracle::State& state, RowNumber row) {
  if (state.marks.size() <= row) state.marks.resize(row + 1);
  return state.marks[row];
}

bool covers(const OutboxOracle::Told& told, Xid xid) {
  return told.first <= xid && xid <= told.last;
}

bool is_of_past(OutboxOracle::Loss why) { return why != OutboxOracle::Loss::removed; }

}  // namespace

void OutboxOracle::fail(const std::string& rule, const std::string& what) {
  if (!violation_) violation_ = rule + ": " + what;
}

std::string OutboxOracle::text_of(CursorId id, RowNumber row) const {
  const auto& it = log_.rows()[row];
  return "cursor " + std::to_string(id) + ", row " + std::to_string(row) + " (transaction " +
         std::to_string(it.xid) + ", id " + std::to_string(it.id) + ", session " +
         std::to_string(it.session) + ")";
}

void OutboxOracle::fresh(CursorId id, bool wants_all) {
  cursors_[id] = {};
  cursors_[id].state.wants_all = wants_all;
}

void OutboxOracle::restarted(CursorId id, const State& state) {
  auto& cursor = cursors_[id];
  cursor.state = state;
  cursor.under_way.clear();
  cursor.last_of.clear();  // what was told as removed may be there where it goes on
}

bool OutboxOracle::is_removed(const OutboxLog::Row& row, const Place& place) const {
  return std::any_of(row.removals.begin(), row.removals.end(),
                     [&](ChangeId id) { return history_.shows(place, id); });
}

// One that wants all has missed nothing that was removed before, nor with those while it reads what
// there is; others want nothing that is there.
void OutboxOracle::has_begun(State& state, const Place& place, bool is_first) {
  for (const auto& row : log_.rows()) {
    if (is_first && is_removed(row, place))
      state.begun_behind = std::max(state.begun_behind, row.xid + 1);
  }
  for (RowNumber row = 0; row < log_.rows().size(); ++row) {
    const auto& it = log_.rows()[row];
    if (!history_.shows(place, it.commit)) continue;
    const bool removed = is_removed(it, place);
    if (removed && it.xid < state.begun_behind) mark_of(state, row) |= is_not_owed;
    if (!state.wants_all) mark_of(state, row) |= is_not_owed | (removed ? 0 : must_not_come);
  }
}

void OutboxOracle::read(CursorId id, const Reading& reading, bool begins) {
  auto& state = cursors_[id].state;
  if (state.wants_all ? state.catches_up : !state.begun) {
    // The last of the first readings tells where it begins; what others showed is not owed.
    for (auto& mark : state.marks) {
      if (!state.wants_all) mark &= static_cast<std::uint8_t>(~must_not_come);
    }
    has_begun(state, reading.rows, state.shown.empty());
  }
  state.begun = state.begun || begins;
  state.catches_up = state.catches_up && !reading.whole;
  const auto lies_on_the_way = [&](const Place& old) {
    return old.system == reading.tide.system &&
           history_.contains(reading.tide, old.timeline, old.lsn);
  };
  while (!state.shown.empty() && lies_on_the_way(state.shown.back())) state.shown.pop_back();
  state.shown.push_back(reading.tide);
}

bool OutboxOracle::is_true(const State& state, const Told& told, const Reading& reading) const {
  if (told.why == Loss::removed) {
    const auto& rows = log_.rows();
    return std::any_of(rows.begin(), rows.end(), [&](const auto& row) {
      return row.xid == told.last && is_removed(row, reading.rows);
    });
  }
  return std::any_of(state.shown.begin(), state.shown.end(), [&](const Place& place) {
    if (place.system != reading.tide.system) return told.why == Loss::foreign;
    return told.why == Loss::undone && history_.excludes(reading.tide, place.timeline, place.lsn);
  });
}

void OutboxOracle::lost(CursorId id, const Told& told, const Reading& reading) {
  auto& cursor = cursors_[id];
  auto& state = cursor.state;
  const auto range = "cursor " + std::to_string(id) + ", transactions " +
                     std::to_string(told.first) + " to " + std::to_string(told.last);
  if (!state.begun) fail("told", range + " are told as lost before the cursor begins");
  if (told.first > told.last) fail("told", range + " is no range");
  if (!is_true(state, told, reading)) fail("told", range + " are told as lost and are not");
  // Other transactions may have the ids of a past now; what is removed of them is told again.
  if (is_of_past(told.why)) {
    for (auto& each : state.told) {
      if (!is_of_past(each.why)) each.last = std::min(each.last, std::max(told.first, Xid{1}) - 1);
    }
  }
  state.told.push_back(told);
  if (!is_of_past(told.why)) return;
  cursor.under_way.clear();
  cursor.last_of.clear();  // more may come than came: what was removed there may be here
  for (RowNumber row = 0; row < state.marks.size(); ++row) {
    if (covers(told, log_.rows()[row].xid)) {
      state.marks[row] &= static_cast<std::uint8_t>(~must_not_come);
    }
  }
}

void OutboxOracle::delivered(CursorId id, RowNumber row, const Place& shown) {
  auto& cursor = cursors_[id];
  const auto& it = log_.rows()[row];
  if (it.commit == no_such_change || !history_.shows(shown, it.commit)) {
    fail("early", text_of(id, row) + " comes and is not visible");
  }
  if (!cursor.under_way.insert(row).second) fail("twice", text_of(id, row) + " is under way");
  if ((mark_of(cursor.state, row) & must_not_come) != 0) {
    fail("twice", text_of(id, row) + " was done, or there before the cursor began");
  }
  // Those that can't be read are told, in no order; those of before the beginning come only if much
  // is undone.
  if (!cursor.ever.insert(row).second || !it.readable) return;
  if ((mark_of(cursor.state, row) & is_not_owed) != 0) return;
  const auto last = cursor.last_of.find(it.session);
  if (last != cursor.last_of.end() && last->second > row) {
    fail("order", text_of(id, row) + " comes behind row " + std::to_string(last->second));
  }
  cursor.last_of[it.session] = row;
}

void OutboxOracle::done(CursorId id, RowNumber row) {
  auto& cursor = cursors_[id];
  cursor.under_way.erase(row);
  mark_of(cursor.state, row) |= is_done | must_not_come;
}

void OutboxOracle::finish(const Place& end) {
  for (auto& [id, cursor] : cursors_) {
    if (!cursor.under_way.empty()) fail("done", text_of(id, *cursor.under_way.begin()) + " is not");
    for (RowNumber row = 0; row < log_.rows().size(); ++row) judge(id, row, end);
  }
}

void OutboxOracle::judge(CursorId id, RowNumber row, const Place& end) {
  auto& state = cursors_[id].state;
  const auto& it = log_.rows()[row];
  const auto mark = mark_of(state, row);
  const bool survives = it.commit != no_such_change && history_.shows(end, it.commit);
  const bool told = std::any_of(state.told.begin(), state.told.end(), [&](const Told& each) {
    return covers(each, it.xid) && is_of_past(each.why) != survives;
  });
  if (told) return;
  if (survives && (mark & (is_done | is_not_owed)) == 0) fail("missed", text_of(id, row));
  if (!survives && (mark & is_done) != 0) {
    fail("undone", text_of(id, row) + " was done and is undone, which was not told");
  }
}

}  // namespace tidegate::sim
