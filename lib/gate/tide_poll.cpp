#include "lib/gate/tide_poll.hpp"

#include <algorithm>
#include <utility>

#include "lib/gate/visibility.hpp"

namespace tidegate::gate {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

// While nothing new has come for long, perhaps nothing will: the server of a message that waits in
// vain is asked once a second in the end.
Duration pause_of_old(Duration quiet) {
  return std::clamp<Duration>(quiet / 500, milliseconds(20), seconds(1));
}

// Before a question is likely to help: rarely, so that a server which has caught up is noticed.
Duration pause_before(Duration age, Duration quiet) {
  return age >= seconds(1) ? pause_of_old(quiet) : milliseconds(5);
}

// After one that was likely to help and did not, for a message that is so late by now. An eighth of
// that adds no more than that to its delay, and a server that has fallen behind is left in peace.
Duration pause_after(Duration late, Duration quiet) {
  if (late >= seconds(1)) return pause_of_old(quiet);
  return std::clamp<Duration>(late / 8, microseconds(100), milliseconds(5));
}

}  // namespace

Visibility TidePoll::visibility(const std::optional<Position>& position) const {
  if (!position) return Visibility::visible;
  return tide_ ? visibility_of(*position, *tide_) : Visibility::pending;
}

Visibility TidePoll::visibility(const std::optional<Position>& own,
                                const std::optional<Position>& inherited) const {
  const auto of_own = visibility(own);
  if (of_own != Visibility::visible) return of_own;
  if (visibility(inherited) != Visibility::pending) return Visibility::visible;
  return tide_ && !can_come(*inherited, *tide_) ? Visibility::visible : Visibility::pending;
}

Covered TidePoll::covered(const Position& position) const {
  return tide_ ? covered_of(visibility_of(position, *tide_)) : Covered::unknown;
}

bool TidePoll::take(const Waiting& waiting, Instant now) {
  if (now < deadline(waiting)) return false;
  ask(now);
  return true;
}

Instant TidePoll::deadline(const Waiting& waiting) const {
  if (!up_ || asked_) return never;
  const auto likely = waiting.since + waiting.expected;
  if (asked_at_ >= likely) {
    const auto pause = pause_after(asked_at_ - likely, asked_at_ - waiting.newest);
    return asked_at_ + std::max(waiting.least_pause, pause);
  }
  const auto last = std::max(asked_at_, waiting.since);
  const auto pause = pause_before(last - waiting.since, last - waiting.newest);
  return std::max(asked_at_ + waiting.least_pause, std::min(likely, last + pause));
}

bool TidePoll::refresh(Instant now, Duration age) {
  if (asked_ || !stale(now, age)) return false;
  ask(now);
  return true;
}

bool TidePoll::take_since(Instant since, Instant now) {
  if (now < deadline_since(since)) return false;
  ask(now);
  return true;
}

Instant TidePoll::deadline_since(Instant since) const {
  if (!up_ || asked_) return never;
  if (asked_at_ < since) return since;
  return asked_at_ + std::clamp<Duration>((asked_at_ - since) / 8, milliseconds(1), seconds(1));
}

void TidePoll::answered(std::optional<Tide> tide) {
  if (asked_) known_at_ = asked_at_;
  asked_ = false;
  if (tide) tide_ = std::move(tide);
}

void TidePoll::server_down() {
  up_ = asked_ = false;
  down_ = true;
  asked_at_ = known_at_ = Instant::min();
  tide_.reset();
}

}  // namespace tidegate::gate
