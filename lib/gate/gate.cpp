#include "lib/gate/gate.hpp"

#include <algorithm>

#include "lib/message/footprint.hpp"

namespace tidegate::gate {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

// The pause after a poll that did not help the first held message. An eighth of its age adds no
// more than that to its delay, and a replica that is far behind is left in peace.
Duration poll_pause(Duration age) {
  if (age >= seconds(1)) return milliseconds(20);
  return std::clamp<Duration>(age / 8, microseconds(100), milliseconds(5));
}

}  // namespace

bool Gate::hold(Held& held, bool flowing) {
  const auto& message = held.message;
  const bool fits = bytes() == 0 || bytes() + message::footprint(message) <= most_bytes_;
  if (!fits && !(flowing && visibility(message.position) == Visibility::visible)) return false;
  if (longest_wait_) overdue_at_ = std::min(overdue_at_, held.since + *longest_wait_);
  if (gated_) {
    queue_.push(std::move(held));
  } else {
    queue_.push_last(std::move(held));
  }
  return true;
}

Visibility Gate::visibility(const std::optional<Position>& position) const {
  if (!gated_ || !position) return Visibility::visible;
  return tide_ ? visibility_of(*position, *tide_) : Visibility::pending;
}

std::optional<Gate::Released> Gate::release(Instant now) {
  if (overdue_.empty()) {
    if (queue_.empty()) return std::nullopt;
    const auto visibility = visibility_of_top();
    if (visibility != Visibility::pending) return Released{queue_.pop(), visibility};
    if (now >= overdue_at_) look_for_overdue(now);
    if (overdue_.empty()) return std::nullopt;
  }
  Released released{std::move(overdue_.front()), Visibility::pending};
  overdue_.pop_front();
  overdue_bytes_ -= message::footprint(released.held.message);
  released.visibility = visibility(released.held.message.position);
  return released;
}

// Looks at all that is held, so not for every single message: somewhat late is harmless.
void Gate::look_for_overdue(Instant now) {
  auto old = queue_.take_old(now - *longest_wait_);
  for (auto& held : old.held) {
    overdue_bytes_ += message::footprint(held.message);
    overdue_.push_back(std::move(held));
  }
  overdue_at_ = old.oldest_left == never
                    ? never
                    : std::max(old.oldest_left + *longest_wait_, now + *longest_wait_ / 16);
}

bool Gate::take_poll(Instant now) {
  if (now < deadline()) return false;
  polling_ = true;
  polled_ = now;
  return true;
}

Instant Gate::deadline() const {
  if (!gated_ || !up_ || polling_ || queue_.empty() || decided()) return never;
  const auto since = queue_.first_since();
  return polled_ < since ? since : polled_ + poll_pause(polled_ - since);
}

void Gate::server_up() { up_ = true; }

void Gate::polled(std::optional<Tide> tide) {
  polling_ = false;
  if (tide) tide_ = std::move(tide);
}

void Gate::server_down() {
  up_ = polling_ = false;
  polled_ = Instant::min();
  tide_.reset();
}

}  // namespace tidegate::gate
