#include "tests/sim/outbox_log.hpp"

#include <algorithm>
#include <array>
#include <string>

#include "lib/base/must.hpp"
#include "tests/sim/draws.hpp"

namespace tidegate::sim {

using std::chrono::milliseconds;
using std::chrono::seconds;

// Also of a standby, which takes each id for running that it has not seen the end of.
Xid OutboxLog::Shown::horizon() const {
  const auto settled = completed_ + 1;
  return running_.empty() ? settled : std::min(settled, running_.begin()->first);
}

void OutboxLog::Shown::observe(Xid xid) {
  for (; next_xid <= xid; ++next_xid) running_[next_xid];
}

void OutboxLog::Shown::end(Xid xid) {
  running_.erase(xid);
  completed_ = std::max(completed_, xid);
}

// A recovery ends what was open, and goes on behind the ids that it has found in the log. Ids of
// rows are logged some ahead.
OutboxLog::Live& OutboxLog::live(ServerId id) {
  const auto& server = database_.server(id);
  TIDEGATE_MUST(server.up && server.primary);
  auto& live = live_[id];
  if (live.life == server.life && live.timeline == server.timeline) return live;
  const auto& found = fold(id);
  const auto skipped = one_in(random_, 2) ? random_.below(33) : 0;
  live = {server.life, server.timeline, found.next_xid, found.next_id + skipped};
  write(id, {Record::Kind::recovered, live.next_xid - 1}, true);
  return live;
}

void OutboxLog::announce(ServerId id, Xid xid, std::size_t session) {
  auto& primary = live(id);
  if (one_in(random_, 8)) ++primary.next_id;  // of a savepoint that was rolled back
  const auto number = rows_.size();
  rows_.push_back({session, database_.server(id).system, xid, primary.next_id++,
                   !one_in(random_, 40), events_.now()});
  write(id, {Record::Kind::row, xid, number}, false);
}

void OutboxLog::end(ServerId id, Xid xid, bool commits, bool sync) {
  const auto& running = fold(id).running_;
  const auto found = running.find(xid);
  const auto own = found == running.end() ? std::vector<RowNumber>() : found->second;
  const auto kind = commits ? Record::Kind::committed : Record::Kind::rolled_back;
  const auto change = write(id, {kind, xid}, sync && commits);
  if (!commits) return;
  for (const auto row : own) rows_[row].commit = change;
}

void OutboxLog::remove(ServerId id, Instant announced_before, std::size_t most) {
  Record record{Record::Kind::removed, begin(id)};
  const auto& shown = fold(id);
  for (const auto& [key, row] : shown.rows) {
    if (record.removed.size() == most || key.first >= shown.horizon()) break;
    if (rows_[row].announced < announced_before) record.removed.push_back(row);
  }
  const auto removed = record.removed;
  const auto change = write(id, std::move(record), one_in(random_, 2));
  for (const auto row : removed) rows_[row].removals.push_back(change);
}

ChangeId OutboxLog::write(ServerId id, Record record, bool sync) {
  if (trace_.on()) {
    static constexpr std::array kinds = {"announces", "commits", "rolls back", "recovers before",
                                         "removes rows in"};
    trace_.line(events_.elapsed(), database_.server(id).name + "  " +
                                       kinds[static_cast<std::size_t>(record.kind)] + " " +
                                       std::to_string(record.xid));
  }
  records_.push_back(std::move(record));
  const auto change = database_.commit(
      id, sync, one_in(random_, 10) ? seconds(3) : up_to(random_, milliseconds(300)));
  TIDEGATE_MUST(change == records_.size());
  return change;
}

const OutboxLog::Shown& OutboxLog::shown(ServerId id) {
  if (database_.server(id).primary) (void)live(id);
  return fold(id);
}

// Records of one way are in the order in which they were written: a timeline begins behind all that
// it has inherited.
const OutboxLog::Shown& OutboxLog::fold(ServerId id) {
  const auto& server = database_.server(id);
  auto& folded = folded_[id];
  if (folded.life != server.life || folded.timeline != server.timeline) {
    folded = {server.life, server.timeline, 0, {}};
  }
  for (; folded.next < records_.size(); ++folded.next) {
    const auto change = static_cast<ChangeId>(folded.next + 1);
    const auto& [place, erased, begin] = history_.change(change);
    if (history_.shows(server.place(), change)) {
      apply(records_[folded.next], folded.shown);
    } else if (!erased && place.system == server.system && place.timeline == server.timeline) {
      break;  // it comes later
    }
  }
  return folded.shown;
}

void OutboxLog::apply(const Record& record, Shown& shown) const {
  shown.observe(record.xid);
  switch (record.kind) {
    case Record::Kind::row:
      shown.running_[record.xid].push_back(record.row);
      shown.next_id = std::max(shown.next_id, rows_[record.row].id + 1);
      return;
    case Record::Kind::committed:
      for (const auto row : shown.running_[record.xid]) {
        shown.rows[{record.xid, rows_[row].id}] = row;
      }
      return shown.end(record.xid);
    case Record::Kind::rolled_back:
      return shown.end(record.xid);
    case Record::Kind::recovered:
      shown.running_.clear();
      shown.completed_ = shown.next_xid - 1;
      return;
    case Record::Kind::removed:
      for (const auto row : record.removed) {
        shown.rows.erase({rows_[row].xid, rows_[row].id});
        shown.removed_before = std::max(shown.removed_before, rows_[row].xid + 1);
      }
      return shown.end(record.xid);
  }
}

}  // namespace tidegate::sim
