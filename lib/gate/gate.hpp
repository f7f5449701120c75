// Holds each message until its change is visible on the server that this master reads, and decides
// when that server should be asked how far it is.
//
// 1. Nothing leaves as covered unless a reading of the server's present life covers it (tide.hpp).
// 2. The server is asked only while the first held message waits for it: at once, then often, then
// ever more rarely,
//    in proportion to how long the first held message has waited. One answer serves all.
// 3. When the server goes away its readings are forgotten: after a crash it may show less.
// 4. What the application does not want to wait for any longer leaves as overdue, never as covered,
//    in the order of arrival, which is that of each origin.
#pragma once

#include <cstddef>
#include <deque>
#include <optional>

#include "lib/gate/reorder_queue.hpp"
#include "tidegate/tide.hpp"
#include "tidegate/time.hpp"

namespace tidegate::gate {

class Gate {
 public:
  // Not gated: there is no server to wait for, everything may go at once, as it came. (Positions
  // may then be of several clusters, and say nothing of the order in which their origins sent
  // them.) Without `longest_wait` nothing is ever overdue.
  Gate(bool gated, std::size_t most_bytes, std::optional<Duration> longest_wait = std::nullopt)
      : gated_(gated), most_bytes_(most_bytes), longest_wait_(longest_wait) {}

  struct Released {
    Held held;
    // covered: deliver; orphaned or foreign: report; wait: it is overdue
    Visibility visibility = Visibility::visible;
  };

  // Such a message need not be held: it is covered and nothing is before it.
  [[nodiscard]] bool passes(const std::optional<Position>& position) const {
    return queue_.empty() && overdue_.empty() && visibility(position) == Visibility::visible;
  }

  // False, and nothing taken, when the message does not fit the bound; a single one always does.
  // `flowing`: the application takes what is released, so what is covered goes at once and needs no
  // room.
  [[nodiscard]] bool hold(Held& held, bool flowing);

  // There is room for what was refused before.
  [[nodiscard]] bool has_room() const { return bytes() <= most_bytes_ / 4 * 3; }

  // The next message whose fate is decided, in release order, or that is overdue.
  [[nodiscard]] std::optional<Released> release(Instant now);

  // release() has something.
  [[nodiscard]] bool decided() const {
    return !overdue_.empty() || (!queue_.empty() && visibility_of_top() != Visibility::pending);
  }

  // When release() may next have something because it is overdue.
  [[nodiscard]] Instant overdue_at() const { return queue_.empty() ? never : overdue_at_; }

  // Whether the server should be asked now; a true answer counts as asked. Never while the fate of
  // the first message is decided: more readings would not help it.
  [[nodiscard]] bool take_poll(Instant now);

  // When take_poll() may next be true. hold, release and the server's calls may change it. Asking
  // early or late is harmless.
  [[nodiscard]] Instant deadline() const;

  void server_up();
  void polled(std::optional<Tide> tide);  // the answer; none: the last reading still stands
  void server_down();

  [[nodiscard]] bool gated() const { return gated_; }
  [[nodiscard]] const std::optional<Tide>& tide() const { return tide_; }
  [[nodiscard]] const ReorderQueue& held() const { return queue_; }
  [[nodiscard]] std::size_t bytes() const { return queue_.bytes() + overdue_bytes_; }

 private:
  [[nodiscard]] Visibility visibility(const std::optional<Position>& position) const;
  [[nodiscard]] Visibility visibility_of_top() const { return visibility(queue_.first_position()); }
  void look_for_overdue(Instant now);

  bool gated_;
  std::size_t most_bytes_;
  std::optional<Duration> longest_wait_;
  ReorderQueue queue_;
  std::deque<Held> overdue_;  // as they came, before all that is queued
  std::size_t overdue_bytes_ = 0;
  Instant overdue_at_ = never;  // a message may be overdue from then on
  std::optional<Tide> tide_;
  bool up_ = false;
  bool polling_ = false;
  Instant polled_ = Instant::min();  // when the last poll was sent
};

}  // namespace tidegate::gate
