#include "lib/gate/tide_poll.hpp"

#include <algorithm>
#include <utility>

#include "lib/gate/visibility.hpp"

namespace tidegate::gate {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

// The pause after a poll that did not help the first held message. An eighth of its age adds no
// more than that to its delay, and a replica that is far behind is left in peace. While nothing new
// has come for long, perhaps nothing will: the server of a message that waits in vain is asked once
// a second in the end.
Duration pause_at(Duration age, Duration quiet) {
  if (age >= seconds(1)) return std::clamp<Duration>(quiet / 500, milliseconds(20), seconds(1));
  return std::clamp<Duration>(age / 8, microseconds(100), milliseconds(5));
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
  if (asked_at_ < waiting.since) return std::max(waiting.since, asked_at_ + waiting.least_pause);
  return asked_at_ + std::max(waiting.least_pause,
                              pause_at(asked_at_ - waiting.since, asked_at_ - waiting.newest));
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
