#include "lib/outbox/reader.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "lib/base/limits.hpp"
#include "lib/gate/visibility.hpp"

namespace tidegate::outbox {
namespace {

// A failover that goes further back makes all rows come again that are kept.
constexpr auto between_marks = std::chrono::seconds(10);

bool has_left(const Position& seen, const Tide& tide) {
  switch (gate::visibility_of(seen, tide)) {
    case Visibility::visible:
    case Visibility::pending:
      return false;
    case Visibility::orphaned:
    case Visibility::in_doubt:
    case Visibility::foreign:
      break;
  }
  return true;
}

// A reading that was cut off says nothing of what lies behind its last row.
TransactionId settled_by(const Reading& reading) {
  if (!reading.more) return reading.horizon;
  TransactionId last = 0;
  if (!reading.rows.empty()) last = reading.rows.back().key.transaction;
  if (!reading.unreadable.empty()) last = std::max(last, reading.unreadable.back().key.transaction);
  return std::min(reading.horizon, last);
}

}  // namespace

Reader::Reader(Cursor from) {
  begin_at(from.now);
  before_ = std::move(from.before);
}

std::optional<Question> Reader::question() const {
  // With nothing under way nobody would ask again.
  if (!under_way_.empty() && (under_way_.size() >= base::limits::outbox_window ||
                              under_way_bytes_ >= base::limits::outbox_window_bytes ||
                              done_.size() >= base::limits::outbox_done_ranges)) {
    return std::nullopt;
  }
  const auto room = base::limits::outbox_window - under_way_.size();
  return Question{settled_,      delivered_,
                  settled_only_, skipping_ && !seen_,
                  room,          base::limits::outbox_reading_bytes};
}

Reader::Taken Reader::take(Reading reading, Instant now) {
  Taken taken;
  if (seen_ && has_left(*seen_, reading.tide)) {
    taken.loss = go_back(reading.tide);
    if (skipping_) taken.loss.reset();  // it has not begun
    taken.again = true;                 // these rows answer a question of before
    return taken;
  }
  // Another server, which is behind: it shows nothing more but rows that were removed and told.
  if (seen_ && gate::visibility_of(*seen_, reading.tide) == Visibility::pending) return taken;
  taken.loss = removed(reading.removed_before);
  for (auto& row : reading.rows) {
    if (!is_new(row.key)) continue;
    if (skipping_) {
      finish(row.key);
      continue;
    }
    const auto bytes = row.payload.size() + row.topic.bytes();
    under_way_.emplace(++last_ticket_, UnderWay{row.key, bytes});
    under_way_bytes_ += bytes;
    under_way_keys_.insert(row.key);
    taken.deliveries.push_back({last_ticket_, std::move(row)});
  }
  for (auto& row : reading.unreadable) {
    if (!is_new(row.key)) continue;
    finish(row.key);
    if (!skipping_) taken.unreadable.push_back(std::move(row));
  }
  taken.again = reading.more;
  if (!reading.more) skipping_ = false;
  seen_ = gate::place_of(reading.tide);
  advance(settled_by(reading));
  mark(now);
  return taken;
}

std::optional<RowKey> Reader::done(std::uint64_t ticket) {
  const auto found = under_way_.find(ticket);
  if (found == under_way_.end()) return std::nullopt;
  const auto key = found->second.key;
  under_way_bytes_ -= found->second.bytes;
  under_way_.erase(found);
  under_way_keys_.erase(key);
  finish(key);
  forget_settled();
  return key;
}

bool Reader::is_new(const RowKey& key) {
  if (key.transaction < settled_ || delivered_.has(key.id)) return false;
  delivered_.add({key.id, key.id, key.transaction});
  return true;
}

void Reader::finish(const RowKey& key) { done_.add({key.id, key.id, key.transaction}); }

std::optional<Cursor> Reader::cursor() const {
  if (!seen_ || skipping_) return std::nullopt;
  return Cursor{present(), before_ ? before_ : mark_};
}

CursorState Reader::present() const { return {*seen_, done_before(), done_}; }

TransactionId Reader::done_before() const {
  const auto open = under_way_keys_.begin();
  return open == under_way_keys_.end() ? settled_ : std::min(settled_, open->transaction);
}

void Reader::begin_at(const CursorState& state) {
  seen_ = state.seen;
  settled_ = state.settled;
  delivered_ = done_ = state.done;
  under_way_.clear();
  under_way_keys_.clear();
  under_way_bytes_ = 0;
  known_before_ = told_before_ = forgotten_before_ = 0;
  settled_only_ = false;
  bound_set();
}

std::optional<Reader::Loss> Reader::go_back(const Tide& tide) {
  const auto last = std::max(settled_, delivered_.highest() + 1) - 1;
  if (seen_->cluster() != tide.incarnation.cluster) {
    begin_at({gate::place_of(tide), 0, {}});
    mark_.reset();
    before_.reset();
    return Loss{Loss::Why::foreign, 0, last};
  }
  const auto is_there = [&](const auto& state) { return state && !has_left(state->seen, tide); };
  if (!is_there(mark_)) mark_ = std::exchange(before_, std::nullopt);
  if (!is_there(mark_)) mark_.reset();
  begin_at(mark_ ? *mark_ : CursorState{gate::place_of(tide), 0, {}});
  return Loss{Loss::Why::undone, settled_, std::max(settled_, last)};
}

std::optional<Reader::Loss> Reader::removed(TransactionId before) {
  const auto known = std::exchange(known_before_, std::max(known_before_, before));
  // Nothing was missed by one that has not begun. But of transactions before this one some rows may
  // be there still, and be removed with the next ones before they are read.
  if (!seen_ || skipping_ || before <= std::max(settled_, known)) return std::nullopt;
  const auto first = std::max(settled_, std::exchange(told_before_, before));
  return Loss{Loss::Why::removed, first, before - 1};
}

void Reader::advance(TransactionId settled) {
  settled_ = std::max(settled_, settled);
  delivered_.forget_before(settled_);
  forget_settled();
  bound_set();
}

void Reader::bound_set() {
  const std::size_t part = settled_only_ ? 2 : 1;
  settled_only_ = delivered_.size() >= base::limits::outbox_ranges / part ||
                  delivered_.ids() >= base::limits::outbox_ids / part;
}

// That looks at all ranges, and there may be many behind a row that is not done.
void Reader::forget_settled() {
  const auto before = done_before();
  if (before != std::exchange(forgotten_before_, before)) done_.forget_before(before);
}

void Reader::mark(Instant now) {
  if (mark_ && now - marked_ < between_marks) return;
  if (mark_) before_ = std::move(mark_);
  mark_ = present();
  marked_ = now;
}

}  // namespace tidegate::outbox
