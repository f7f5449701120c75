#include "gate.hpp"

#include <algorithm>

namespace tidegate {
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

bool Gate::hold(Held& held) {
  if (queue_.bytes() + footprint(held.message) > most_bytes_) return false;
  if (gated_) {
    queue_.push(std::move(held));
  } else {
    queue_.push_last(std::move(held));
  }
  return true;
}

Cover Gate::fate_of_top() const {
  const auto& position = queue_.top().message.position;
  if (!gated_ || !position) return Cover::covered;
  return tide_ ? cover(*position, *tide_) : Cover::wait;
}

std::optional<Gate::Released> Gate::release() {
  if (queue_.empty()) return std::nullopt;
  const auto fate = fate_of_top();
  if (fate == Cover::wait) return std::nullopt;
  return Released{queue_.pop(), fate};
}

bool Gate::take_poll(Instant now) {
  if (now < deadline()) return false;
  polling_ = true;
  polled_ = now;
  return true;
}

Instant Gate::deadline() const {
  if (!gated_ || !up_ || polling_ || queue_.empty() || decided()) return never;
  const auto since = queue_.top().since;
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

}  // namespace tidegate
