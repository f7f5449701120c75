#include "lib/gate/waiters.hpp"

#include <algorithm>
#include <limits>

#include "lib/gate/visibility.hpp"

namespace tidegate::gate {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

// A reading that was asked for so long before a question answers it.
constexpr Duration fresh_for = milliseconds(1);
// Without a reading.
constexpr Duration patience = seconds(1);

// So that questions alone cost the server no more than a thousand readings a second, and looking at
// many waiters no more than a small part of the time.
constexpr Duration least_pause = milliseconds(1);
constexpr Duration pause_of_waiter = microseconds(1);

// No later reading of the server's present life will say otherwise.
bool is_final(Covered covered) {
  return covered != Covered::pending && covered != Covered::unknown;
}

}  // namespace

void Waiters::ask_once(Ticket ticket, Position position, const TidePoll& poll, Instant now) {
  Once asked{ticket, std::move(position), now};
  if (answer_once(asked, poll)) return;
  newest_ = now;
  once_.push_back(std::move(asked));
}

void Waiters::ask(Ticket ticket, Position position, const TidePoll& poll, Instant now,
                  Instant until) {
  if (const auto covered = poll.covered(position); is_final(covered)) {
    answers_.push_back({ticket, covered});
    return;
  }
  if (!poll.tide() || waiting_.empty()) looked_with_ = poll.tide();
  if (poll.tide() && !pending_until_offset(position, *poll.tide())) some_stray_ = true;
  newest_ = now;
  const Key key{position.offset, ticket};
  begins_.emplace(now, key);
  ends_.emplace(until, key);
  waiting_.emplace(key, Waiter{std::move(position), now, until});
}

void Waiters::forget(Ticket ticket, const Position& position) {
  const auto waiter = waiting_.find({position.offset, ticket});
  if (waiter != waiting_.end()) remove(waiter);
}

void Waiters::look_at_all(const TidePoll& poll) {
  std::erase_if(once_, [&](const Once& asked) { return answer_once(asked, poll); });
  if (poll.tide()) look_at_waiting(*poll.tide());
}

bool Waiters::answer_once(const Once& asked, const TidePoll& poll) {
  const auto covered = poll.covered(asked.position);
  const bool known = is_final(covered) || poll.down() ||
                     (covered == Covered::pending && poll.known_since(asked.since - fresh_for));
  if (known) answers_.push_back({asked.ticket, covered});
  return known;
}

void Waiters::look_at_waiting(const Tide& tide) {
  const bool same_history = looked_with_ && looked_with_->incarnation == tide.incarnation &&
                            looked_with_->history == tide.history;
  const bool all = !same_history || some_stray_;
  const auto end = all ? waiting_.end()
                       : waiting_.upper_bound({tide.replayed, std::numeric_limits<Ticket>::max()});
  looked_with_ = tide;
  if (all) some_stray_ = false;
  for (auto i = waiting_.begin(); i != end;) {
    const auto& [key, waiter] = *i;
    const auto visibility = visibility_of(waiter.position, tide);
    if (visibility == Visibility::pending) {
      some_stray_ = some_stray_ || !pending_until_offset(waiter.position, tide);
      ++i;
      continue;
    }
    i = answer(i, covered_of(visibility));
  }
}

// The one behind it.
Waiters::Place Waiters::answer(Place waiter, Covered covered) {
  answers_.push_back({waiter->first.second, covered});
  return remove(waiter);
}

Waiters::Place Waiters::remove(Place waiter) {
  const auto& [key, waited] = *waiter;
  begins_.erase({waited.since, key});
  ends_.erase({waited.until, key});
  return waiting_.erase(waiter);
}

void Waiters::expire_due(const TidePoll& poll, Instant now) {
  while (!once_.empty() && once_.front().since + patience <= now) {
    answers_.push_back({once_.front().ticket, Covered::unknown});
    once_.erase(once_.begin());
  }
  while (!ends_.empty() && ends_.begin()->first <= now) {
    const auto waiter = waiting_.find(ends_.begin()->second);
    (void)answer(waiter, poll.covered(waiter->second.position));
  }
}

void Waiters::give_up(const TidePoll& poll) {
  for (const auto& asked : once_) answers_.push_back({asked.ticket, Covered::unknown});
  for (const auto& [key, waiter] : waiting_) {
    answers_.push_back({key.second, poll.covered(waiter.position)});
  }
  once_.clear();
  waiting_.clear();
  begins_.clear();
  ends_.clear();
}

TidePoll::Waiting Waiters::longest_waiting() const {
  const auto pause = least_pause + static_cast<Duration::rep>(waiting_.size()) * pause_of_waiter;
  const auto since = once_.empty() ? begins_.begin()->first : newest_;
  return {since, newest_, pause};
}

Instant Waiters::first_end() const {
  const auto of_once = once_.empty() ? never : once_.front().since + patience;
  return ends_.empty() ? of_once : std::min(of_once, ends_.begin()->first);
}

}  // namespace tidegate::gate
