#include "command/commands/session.hpp"

#include <algorithm>

#include "lib/base/saturated.hpp"
#include "peer/io/clock.hpp"

namespace tidegate::commands {
namespace {

using std::chrono::milliseconds;

// Handed out between two looks at the signals and the clients.
constexpr int most_handed_out = 1024;

constexpr milliseconds at_once{0};
constexpr milliseconds until_woken{-1};
constexpr Duration last_moment = std::chrono::seconds(1);

}  // namespace

Session::Session(DrivenPeer& peer, const io::StopSignals* stop)
    : peer_(peer), peer_watch_(reactor_.watch_input(peer.descriptor(), [](io::Readiness) {})) {
  if (stop == nullptr) return;
  stop_watch_ =
      reactor_.watch_input(stop->descriptor(), [this](io::Readiness) { stopped_ = true; });
}

SessionEnd Session::run(std::optional<Duration> bound, const std::function<bool()>& condition) {
  const auto end = bound ? base::later(io::clock_now(), *bound) : never;
  auto timer = reactor_.timer();
  timer.set(end);
  while (true) {
    peer_.run_once(at_once);
    hand_out();
    tell_turn();
    if (!finishing_ && any(&doors::Door::finished)) return SessionEnd::door_finished;
    if (condition && condition()) return SessionEnd::reached;
    if (io::clock_now() >= end) return SessionEnd::time_over;
    reactor_.run_once(more_ ? at_once : until_woken);
    if (stopped_) return SessionEnd::stopped;
  }
}

void Session::finish(Duration bound, const std::function<bool()>& condition) {
  stop_watch_.stop();
  stopped_ = false;
  finishing_ = true;
  if (!condition()) (void)run(bound, condition);
}

void Session::end(milliseconds leave_bound) {
  peer_watch_.stop();
  stop_watch_.stop();
  for (auto* door : doors_) door->peer_leaves();
  peer_.leave(leave_bound);
  while (const auto incoming = peer_.next(at_once)) {
    for (auto* door : doors_) door->handle(*incoming);
  }
  tell_turn();
  const auto end = io::clock_now() + last_moment;
  while (any(&doors::Door::pending)) {
    const auto left = std::chrono::ceil<milliseconds>(end - io::clock_now());
    if (left.count() <= 0) return;
    reactor_.run_once(left);
  }
}

void Session::hand_out() {
  more_ = false;
  for (int i = 0; i < most_handed_out; ++i) {
    if (any(&doors::Door::full)) return;
    if (!finishing_ && any(&doors::Door::finished)) return;
    const auto incoming = peer_.next(at_once);
    if (!incoming) return;
    for (auto* door : doors_) door->handle(*incoming);
  }
  more_ = true;
}

void Session::tell_turn() {
  for (auto* door : doors_) door->peer_has_turned();
}

bool Session::any(bool (doors::Door::*is)() const) const {
  return std::any_of(doors_.begin(), doors_.end(), [is](auto* door) { return (door->*is)(); });
}

}  // namespace tidegate::commands
