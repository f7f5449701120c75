// Holds each message until its change is visible on the server that this application reads, and
// decides when that server should be asked how far it is.
//
// 1. Nothing leaves as visible unless a reading of the server's present life says so (tide.hpp).
// 2. The server is asked only while the first held message waits for it (tide_poll.hpp), and often
//    only when that is likely to help (replay_lag.hpp). Its change is the next that the server
//    shows, so the questions for it find those behind it too.
// 3. An item that the application does not want to wait for any longer leaves as overdue, never as
//    visible, in the order of arrival, which is that of each source.
// 4. One source can't fill what all share: it may have three times what is still free at the most,
//    so that alone it has three quarters, and any number of them leave room for one more.
// 5. Where histories have diverged, an item may be decided behind one that waits, perhaps for good.
//    Then the fronts of all sources are looked through.
#pragma once

#include <algorithm>
#include <cstddef>
#include <deque>
#include <optional>
#include <utility>

#include "lib/base/limits.hpp"
#include "lib/gate/reorder_queue.hpp"
#include "lib/gate/replay_lag.hpp"
#include "lib/gate/tide_poll.hpp"
#include "tidegate/tide.hpp"
#include "tidegate/time.hpp"

namespace tidegate::gate {

template <SourceKey Source, HoldableItem Item>
class Gate {
 public:
  using HeldItem = Held<Source, Item>;

  enum class Room : std::uint8_t {
    shared,  // by sources that need not trust each other
    whole,   // for all sources together, which are one application's
  };

  // Not gated: there is no server to wait for, everything may go at once, as it came. Without
  // `longest_wait` nothing is ever overdue.
  Gate(bool gated, std::size_t most_bytes, std::optional<Duration> longest_wait = std::nullopt,
       Room room = Room::shared)
      : gated_(gated),
        most_bytes_(most_bytes),
        room_(room),
        longest_wait_(longest_wait),
        queue_(gated ? ReleaseOrder::position : ReleaseOrder::arrival) {}

  struct Released {
    HeldItem held;
    // visible: deliver; orphaned, in doubt or foreign: report; pending: it is overdue
    Visibility visibility = Visibility::visible;

    Released(HeldItem&& item, Visibility of_item) : held(std::move(item)), visibility(of_item) {}
    // The first of the queue: taken out in place, since this is the way of nearly every item.
    Released(ReorderQueue<Source, Item>& queue, Visibility of_first)
        : held(queue.pop()), visibility(of_first) {}
  };

  // By the last reading; without a server everything is visible.
  [[nodiscard]] Visibility visibility(const std::optional<Position>& own,
                                      const std::optional<Position>& inherited) const {
    return gated_ ? poll_.visibility(own, inherited) : Visibility::visible;
  }

  // An item of this visibility need not be held: nothing is before it.
  [[nodiscard]] bool passes(Visibility visibility) const {
    return visibility == Visibility::visible && queue_.empty() && overdue_.empty();
  }

  // By the last reading the server shows the position; without a server everything is shown.
  [[nodiscard]] bool shows(const Position& position) const {
    return !gated_ || poll_.visibility(position) == Visibility::visible;
  }

  // An item of so many bytes fits the bounds; a single one always does. One that leaves at once, as
  // it is visible and the application takes what is released, needs no room.
  [[nodiscard]] bool takes(const Source& source, const std::optional<Position>& own,
                           const std::optional<Position>& inherited, std::size_t footprint,
                           bool leaves_at_once) const {
    if (leaves_at_once || bytes() == 0) return true;
    if (bytes() + footprint > most_bytes_) return false;
    if (!queue_.branches().take(own, inherited, base::limits::held_branches)) return false;
    if (room_ == Room::whole) return true;
    const auto& share = queue_.share_of(source);
    return share.bytes + footprint <= most_of_source() &&
           share.branches.take(own, inherited, base::limits::held_branches_of_source);
  }

  // takes() was true of it.
  void hold(HeldItem&& held) {
    if (longest_wait_) overdue_at_ = std::min(overdue_at_, held.since + *longest_wait_);
    newest_ = held.since;
    queue_.push(std::move(held));
    undecided_ = false;
  }

  // There is room for what was refused of this source before.
  [[nodiscard]] bool has_room(const Source& source) const {
    if (bytes() == 0) return true;
    return bytes() <= most_bytes_ / 64 * 63 &&
           queue_.share_of(source).bytes <= most_of_source() / 4 * 3;
  }

  // The next message whose visibility is decided, in release order, or that is overdue.
  [[nodiscard]] std::optional<Released> release(Instant now);

  // release() has something.
  [[nodiscard]] bool decided() const {
    if (!overdue_.empty()) return true;
    if (queue_.empty() || undecided_) return false;
    if (decided(queue_.first_awaited())) return true;
    return may_overtake() && queue_.any_front([this](const Awaited& one) { return decided(one); });
  }

  // When release() may next have something because it is overdue.
  [[nodiscard]] Instant overdue_at() const { return queue_.empty() ? never : overdue_at_; }

  // Whether the server should be asked now; a true answer counts as asked. Not for messages while
  // one that may leave is decided: more readings would not help it. `others` wait for a reading too
  // (waiters.hpp).
  using Waiting = TidePoll::Waiting;
  [[nodiscard]] bool take_poll(Instant now, const std::optional<Waiting>& others = std::nullopt) {
    return (waits() && poll_.take(of_first(), now)) ||
           (gated_ && others && poll_.take(*others, now));
  }

  // When take_poll() may next be true. hold, release and the server's calls may change it. Asking
  // early or late is harmless.
  [[nodiscard]] Instant deadline(const std::optional<Waiting>& others = std::nullopt) const {
    const auto mine = waits() ? poll_.deadline(of_first()) : never;
    return gated_ && others ? std::min(mine, poll_.deadline(*others)) : mine;
  }

  // See TidePoll; where a server is read.
  [[nodiscard]] bool stale(Instant now) const { return gated_ && poll_.stale(now); }
  [[nodiscard]] bool refresh(Instant now, Duration age = TidePoll::longest_unasked) {
    return gated_ && poll_.refresh(now, age);
  }
  [[nodiscard]] bool take_since(Instant since, Instant now) {
    return gated_ && poll_.take_since(since, now);
  }
  [[nodiscard]] Instant deadline_since(Instant since) const {
    return gated_ ? poll_.deadline_since(since) : never;
  }
  [[nodiscard]] const TidePoll& poll() const { return poll_; }

  void server_up() { poll_.server_up(); }
  // The answer; none: the last reading still stands.
  void polled(std::optional<Tide> tide) {
    const bool waited = poll_.asked() && waits();
    const auto in_vain = poll_.known_at();
    poll_.answered(std::move(tide));
    undecided_ = false;
    if (waited && visibility(queue_.first_awaited()) == Visibility::visible) {
      lag_.shown(queue_.first_since(), in_vain, poll_.known_at());
    }
  }
  void forget_tide() { poll_.forget(); }
  void server_down() {
    poll_.server_down();
    lag_.forget();
  }

  [[nodiscard]] bool gated() const { return gated_; }
  [[nodiscard]] const std::optional<Tide>& tide() const { return poll_.tide(); }
  [[nodiscard]] const ReorderQueue<Source, Item>& held() const { return queue_; }
  [[nodiscard]] std::size_t bytes() const { return queue_.bytes() + overdue_bytes_; }

 private:
  [[nodiscard]] Visibility visibility(const Awaited& awaited) const {
    return visibility(awaited.own, awaited.inherited);
  }
  [[nodiscard]] bool decided(const Awaited& awaited) const {
    return visibility(awaited) != Visibility::pending;
  }
  // Another front than the first one, which is pending, may be decided.
  [[nodiscard]] bool may_overtake() const {
    return gated_ && tide() && queue_.fronts() > 1 && !queue_.branches().all_of(*tide());
  }
  [[nodiscard]] std::size_t most_of_source() const {
    return bytes() < most_bytes_ ? 3 * (most_bytes_ - bytes()) : 0;
  }
  [[nodiscard]] std::optional<Released> release_decided();
  [[nodiscard]] bool waits() const { return gated_ && !queue_.empty() && !decided(); }
  void look_for_overdue(Instant now);
  [[nodiscard]] Waiting of_first() const {
    return {queue_.first_since(), newest_, {}, lag_.expected()};
  }

  bool gated_;
  std::size_t most_bytes_;
  Room room_;
  std::optional<Duration> longest_wait_;
  ReorderQueue<Source, Item> queue_;
  std::deque<HeldItem> overdue_;  // as they came, before all that is queued
  std::size_t overdue_bytes_ = 0;
  Instant overdue_at_ = never;  // a message may be overdue from then on
  TidePoll poll_;
  ReplayLag lag_;
  Instant newest_ = Instant::min();  // the arrival of the last one that was held
  // Nothing that is queued was decided when release() looked, and that can't have changed.
  bool undecided_ = false;
};

template <SourceKey Source, HoldableItem Item>
auto Gate<Source, Item>::release(Instant now) -> std::optional<Released> {
  auto released = release_decided();
  if (released) return released;
  if (overdue_.empty() && !queue_.empty() && now >= overdue_at_) look_for_overdue(now);
  if (overdue_.empty()) return released;
  auto& oldest = overdue_.front();
  overdue_bytes_ -= oldest.item.footprint();
  const auto of_oldest = visibility(oldest.awaited);
  released.emplace(std::move(oldest), of_oldest);
  overdue_.pop_front();
  return released;
}

template <SourceKey Source, HoldableItem Item>
auto Gate<Source, Item>::release_decided() -> std::optional<Released> {
  if (undecided_ || queue_.empty() || !overdue_.empty()) return std::nullopt;
  const auto of_first = visibility(queue_.first_awaited());
  if (of_first != Visibility::pending) {
    return std::optional<Released>(std::in_place, queue_, of_first);
  }
  if (may_overtake()) {
    auto held = queue_.pop_front_that([this](const Awaited& one) { return decided(one); });
    if (held) {
      const auto of_held = visibility(held->awaited);
      return Released(std::move(*held), of_held);
    }
  }
  undecided_ = true;
  return std::nullopt;
}

// Looks at all that is held, so not for every single message: somewhat late is harmless.
template <SourceKey Source, HoldableItem Item>
void Gate<Source, Item>::look_for_overdue(Instant now) {
  auto old = queue_.take_old(now - *longest_wait_);
  undecided_ = false;
  for (auto& held : old.held) {
    overdue_bytes_ += held.item.footprint();
    overdue_.push_back(std::move(held));
  }
  overdue_at_ = old.oldest_left == never
                    ? never
                    : std::max(old.oldest_left + *longest_wait_, now + *longest_wait_ / 16);
}

}  // namespace tidegate::gate
