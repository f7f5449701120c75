#include "lib/gate/commit_queue.hpp"

#include <algorithm>
#include <utility>

#include "lib/base/must.hpp"
#include "lib/gate/visibility.hpp"
#include "lib/message/footprint.hpp"
#include "lib/message/position_order.hpp"

namespace tidegate::gate {
namespace {

using std::chrono::milliseconds;

// A busy primary flushes every few milliseconds by itself, so the first nudge waits that long; an
// idle one, or one that ignores us, is not to be written to more than once a second.
constexpr Duration first_ask_pause = std::chrono::microseconds(500);
constexpr Duration longest_ask_pause = milliseconds(50);
constexpr Duration first_nudge_pause = milliseconds(5);
constexpr Duration longest_nudge_pause = milliseconds(1000);

// Of more lives of primaries the oldest is forgotten.
constexpr std::size_t most_met = 16;

bool same_cluster(const Branch& one, const ServerIncarnation& other) {
  return one.kind() == other.kind && one.cluster() == other.cluster;
}

// As it is known, without the server that has told it: nobody else can make use of that.
Position as_it_is(const Position& position) {
  auto plain = position;
  plain.branch = Branch(position.kind(), position.cluster(), position.history());
  return plain;
}

}  // namespace

void CommitQueue::push(Message&& message, const Dependency& dependency, Ticket ticket,
                       Instant now) {
  // While the only primary that is known was denied, changes are committed there, perhaps.
  auto& waiting = waiting_.emplace_back(std::move(message), ticket, life_ ? life_ : denied_);
  const auto* position = std::get_if<Position>(&dependency);
  waiting.message.position.reset();
  if (position != nullptr) place(waiting, *position);
  if (const auto* after = std::get_if<AfterCommit>(&dependency)) waiting.after = *after;
  if (std::holds_alternative<AfterRead>(dependency)) {
    waiting.read = Read{now, server_, std::nullopt};
    read_wanted_ = now;
    ++unread_;
  }
  bytes_ += message::footprint(waiting.message);
  if (waiting.asks() || unanswered_ > 0) ++unanswered_;
}

// --- positions that name their timeline by number only ------------------------------------------

const Branch* CommitQueue::met(const Branch& told) const {
  const auto is_it = [&](const Branch& branch) {
    return told.kind() == branch.kind() && told.cluster() == branch.cluster() &&
           told.history().timeline() == branch.history().timeline();
  };
  if (told.server_started() == 0) return is_it(primary_) ? &primary_ : nullptr;
  const auto found = std::find_if(met_.begin(), met_.end(), [&](const Met& one) {
    return one.started == told.server_started() && is_it(one.branch);
  });
  return found != met_.end() ? &found->branch : nullptr;
}

Position CommitQueue::named(const Position& position) const {
  auto whole = position;
  const auto* branch = position.history().number_alone() ? met(position.branch) : nullptr;
  if (branch != nullptr) whole.branch = *branch;
  return whole;
}

void CommitQueue::place(Waiting& waiting, const Position& position) {
  waiting.message.position = named(position);
  if (waiting.message.position->branch.server_started() != 0) waiting.unnamed_since = ups_;
}

void CommitQueue::name(Waiting& waiting, const CommitPosition& reading) const {
  auto& position = *waiting.message.position;
  position = named(position);
  if (position.branch.server_started() != 0 && same_cluster(position.branch, reading.incarnation)) {
    waiting.fate = Fate::strange;
  }
  position = as_it_is(position);
  waiting.unnamed_since.reset();
}

bool CommitQueue::names_later_than(const CommitPosition& reading) const {
  const auto first = waiting_.end() - static_cast<std::ptrdiff_t>(unanswered_);
  return std::any_of(first, waiting_.end(), [&](const Waiting& waiting) {
    if (waiting.unnamed_since != ups_) return false;
    const auto& branch = waiting.message.position->branch;
    return met(branch) == nullptr && same_cluster(branch, reading.incarnation) &&
           branch.history().timeline() > reading.history.timeline();
  });
}

// --- what leaves --------------------------------------------------------------------------------

std::optional<CommitQueue::Leaving> CommitQueue::pop() {
  if (waiting_.empty() || waiting_.size() == unanswered_) return std::nullopt;
  auto& front = waiting_.front();
  const bool shown = !front.read || front.read->shown;
  if (front.fate == Fate::sent && !(flushed(front) && shown)) return std::nullopt;
  Leaving leaving{std::move(front.message), front.ticket, front.fate};
  if (front.read) leaving.read = std::move(front.read->shown);
  waiting_.pop_front();
  bytes_ -= message::footprint(leaving.message);
  return leaving;
}

void CommitQueue::no_primary() {
  TIDEGATE_MUST(!up_ && !life_);
  for (auto& waiting : waiting_) {
    if (waiting.after) waiting.fate = Fate::lost;
    if (waiting.unnamed_since) {
      waiting.message.position = as_it_is(*waiting.message.position);
      waiting.unnamed_since.reset();
    }
  }
  unanswered_ = 0;
}

std::vector<CommitQueue::Leaving> CommitQueue::take_all() {
  std::vector<Leaving> all;
  all.reserve(waiting_.size());
  for (auto& waiting : waiting_) {
    all.push_back({std::move(waiting.message), waiting.ticket, waiting.fate});
  }
  waiting_.clear();
  bytes_ = unanswered_ = asked_ = 0;
  unread_ = 0;
  awaited_ = Lsn{};
  ask_at_ = nudge_at_ = never;
  return all;
}

bool CommitQueue::flushed(const Waiting& waiting) const {
  if (!waiting.after || waiting.after->durable) return true;
  return reading_ && reading_->flush.bytes >= waiting.message.position->offset;
}

// The change, whose place was told by another life, is surely not part of what this reading's
// server has. Where the history was left may be unknown (0): then the receivers judge.
bool CommitQueue::undone(const Waiting& waiting, const CommitPosition& reading) {
  if (!waiting.after) return false;
  const auto& position = *waiting.message.position;
  const auto stands = kinship(message::way_to(position), reading.history.entries());
  switch (stands.kind) {
    case Kinship::Kind::same:
      return false;
    case Kinship::Kind::ancestor:
      return stands.left_at != 0 && position.offset > stands.left_at;
    case Kinship::Kind::descendant:
      return reading.insert.bytes > stands.left_at;
    case Kinship::Kind::apart:
      return true;
  }
  TIDEGATE_MUST(false);
}

bool CommitQueue::unflushed() const { return reading_ && reading_->flush < awaited_; }

std::optional<CommitQueue::Query> CommitQueue::take_query(Instant now) {
  if (!up_ || open_) return std::nullopt;
  // The nudge first: its answer is also one to the question, and while messages keep coming there
  // is always a question.
  if (now >= nudge_at_) {
    open_ = Query::nudge;
  } else if (unasked() || now >= ask_at_) {
    open_ = Query::ask;
  }
  if (open_) asked_ = unanswered_;
  return open_;
}

Instant CommitQueue::deadline() const {
  if (!up_ || open_) return never;
  return unasked() ? Instant::min() : std::min(ask_at_, nudge_at_);
}

// Whether a change that was committed before the message was accepted is surely part of what this
// reading's server has.
bool CommitQueue::survived(const Waiting& waiting, const CommitPosition& reading) const {
  if (!waiting.life || *waiting.life == reading.incarnation) return true;
  // Another life. A restart on the same history keeps all that was flushed.
  return waiting.after->durable && reading_ && reading_->incarnation == *waiting.life &&
         reading_->incarnation.cluster == reading.incarnation.cluster &&
         kinship(reading_->history, reading.history).kind == Kinship::Kind::same;
}

void CommitQueue::answered(const CommitPosition& reading, Instant now) {
  TIDEGATE_MUST(open_);
  const auto request = *std::exchange(open_, std::nullopt);

  // Answered before, but not flushed when its primary's life ended: the position is void.
  const auto answered = waiting_.size() - unanswered_;
  if (reading_ && reading_->incarnation != reading.incarnation) {
    for (std::size_t i = 0; i < answered; ++i) {
      auto& waiting = waiting_[i];
      const bool lost = !flushed(waiting) || undone(waiting, reading);
      if (waiting.fate == Fate::sent && lost) waiting.fate = Fate::lost;
    }
    awaited_ = Lsn{};
  }
  const Branch branch(reading.incarnation.kind, reading.incarnation.cluster, reading.history);
  for (std::size_t i = answered; i < answered + asked_; ++i) {
    auto& waiting = waiting_[i];
    if (waiting.unnamed_since) name(waiting, reading);
    if (!waiting.after) continue;
    if (!survived(waiting, reading)) {
      waiting.fate = waiting.life == denied_ ? Fate::outdated : Fate::lost;
    }
    waiting.message.position =
        Position{branch, (waiting.after->durable ? reading.flush : reading.insert).bytes};
    if (waiting.fate != Fate::sent) continue;
    if (!waiting.after->durable) {
      awaited_ = reading.insert;
    } else if (flush_may_split_record(reading)) {
      awaited_ = std::max(awaited_, Lsn{reading.flush.bytes + 1});
    }
  }
  unanswered_ -= asked_;
  asked_ = 0;
  // Those behind the last one that is still unanswered and need no answer are not waiting for one.
  while (unanswered_ > 0 && !waiting_[waiting_.size() - unanswered_].asks()) --unanswered_;

  reading_ = reading;
  life_ = reading.incarnation;
  if (!unflushed()) {
    ask_at_ = nudge_at_ = never;
  } else if (ask_at_ == never) {
    want_flushed(awaited_, now);
  } else if (request == Query::nudge) {
    nudge_pause_ = std::min(4 * nudge_pause_, longest_nudge_pause);
    nudge_at_ = now + nudge_pause_;
  } else if (now >= ask_at_) {
    ask_pause_ = std::min(2 * ask_pause_, longest_ask_pause);
    ask_at_ = now + ask_pause_;
  }
}

void CommitQueue::primary_up(const ServerIncarnation& incarnation, const History& history) {
  up_ = true;
  life_ = incarnation;
  if (denied_ == life_) denied_.reset();  // it is trusted now
  ++ups_;
  primary_ = Branch(incarnation.kind, incarnation.cluster, history);
  primary_met(incarnation, history);
  // An answer of another life, or of this one before the connection broke, is looked at
  // again.
  if (unflushed()) ask_at_ = Instant::min();
}

void CommitQueue::primary_met(const ServerIncarnation& incarnation, const History& history) {
  std::erase_if(met_, [&](const Met& one) {
    return one.started == incarnation.started && same_cluster(one.branch, incarnation);
  });
  if (met_.size() == most_met) met_.erase(met_.begin());
  met_.push_back({incarnation.started, Branch(incarnation.kind, incarnation.cluster, history)});
}

void CommitQueue::server_showed(const Tide& tide, Instant asked_at) {
  const bool turned = !(tide.history == read_history_);
  server_ = tide.incarnation;
  read_history_ = tide.history;
  if (unread_ == 0 && !turned) return;
  for (auto& waiting : waiting_) {
    auto& read = waiting.read;
    if (read && read->shown && turned) {
      const auto seen = visibility_of(*read->shown, tide);
      if (seen != Visibility::visible && seen != Visibility::pending) waiting.fate = Fate::unread;
    }
    if (!read || read->shown || read->accepted > asked_at) continue;
    read->shown = place_of(tide);
    --unread_;
    if (read->server && *read->server != tide.incarnation) waiting.fate = Fate::unread;
    if (life_ == tide.incarnation) want_flushed(Lsn{tide.replayed}, asked_at);
  }
}

void CommitQueue::want_flushed(Lsn place, Instant now) {
  awaited_ = std::max(awaited_, place);
  if (ask_at_ != never || (reading_ && !unflushed())) return;
  ask_pause_ = first_ask_pause;
  nudge_pause_ = first_nudge_pause;
  ask_at_ = now + ask_pause_;
  nudge_at_ = now + nudge_pause_;
}

std::optional<Instant> CommitQueue::reading_wanted() const {
  return unread_ > 0 ? std::optional(read_wanted_) : std::nullopt;
}

void CommitQueue::primary_denied(const ServerIncarnation& incarnation) {
  const auto answered = waiting_.size() - unanswered_;
  for (std::size_t i = 0; i < answered; ++i) {
    auto& waiting = waiting_[i];
    if (waiting.fate == Fate::sent && waiting.after) waiting.fate = Fate::outdated;
  }
  denied_ = incarnation;
  awaited_ = Lsn{};
  ask_at_ = nudge_at_ = never;
  primary_down();
}

void CommitQueue::primary_down() {
  up_ = false;
  open_.reset();
  asked_ = 0;
}

}  // namespace tidegate::gate
