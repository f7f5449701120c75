// The last reading of the server, and when to ask for the next one.
//
// The server is asked for the message that is the next to leave, first when that is likely to help
// (replay_lag.hpp), then each 100 us, and ever more rarely in proportion to how late the message is
// by that, and in the end to how long no other has come. So it costs a few questions a message to
// find its change soon after it is shown, and a server that has stopped replaying is left in peace.
// Before that moment it is asked each 5 ms, and each 20 ms for a message that has waited a second:
// it may have caught up. One answer serves all that wait. When the server goes away its readings
// are forgotten: after a crash it may show less.
//
// It is asked without that as well, at a modest pace, when somebody needs to know on which history
// it is (refresh).
#pragma once

#include <optional>

#include "lib/gate/held.hpp"
#include "tidegate/covered.hpp"
#include "tidegate/tide.hpp"
#include "tidegate/time.hpp"

namespace tidegate::gate {

class TidePoll {
 public:
  // The arrivals of the message that is the next to leave, and of the one that came last.
  struct Waiting {
    Instant since;
    Instant newest;
    Duration least_pause{};  // between two questions
    Duration expected{};     // from the arrival until a question is likely to help
  };

  // By the last reading; pending without one. Without a position there is nothing to wait for.
  [[nodiscard]] Visibility visibility(const std::optional<Position>& position) const;
  // Of a message: visible, if it may be delivered.
  [[nodiscard]] Visibility visibility(const std::optional<Position>& own,
                                      const std::optional<Position>& inherited) const;

  // The same for somebody who has asked; unknown without a reading.
  [[nodiscard]] Covered covered(const Position& position) const;

  // Whether to ask now; true counts as asked.
  [[nodiscard]] bool take(const Waiting& waiting, Instant now);

  // When take() may next be true. The calls below may change it. Asking early or late is harmless.
  [[nodiscard]] Instant deadline(const Waiting& waiting) const;

  // The server is there, and its last reading is older than that. One that is older than a second
  // may be on another history by now.
  static constexpr Duration longest_unasked = std::chrono::seconds(1);
  [[nodiscard]] bool stale(Instant now, Duration age = longest_unasked) const {
    return up_ && !known_since(now - age);
  }
  // Whether to ask now because of that; true counts as asked.
  [[nodiscard]] bool refresh(Instant now, Duration age = longest_unasked);
  // Whether to ask now for somebody who wants a reading that was asked for then or later; true
  // counts as asked. A server that could not tell is asked again, ever more rarely.
  [[nodiscard]] bool take_since(Instant since, Instant now);
  [[nodiscard]] Instant deadline_since(Instant since) const;
  // When the last reading was asked for, and when the question that is open, if one is.
  [[nodiscard]] Instant known_at() const { return known_at_; }
  [[nodiscard]] bool asked() const { return asked_; }
  [[nodiscard]] Instant asked_at() const { return asked_at_; }
  // The last reading was asked for then, or later.
  [[nodiscard]] bool known_since(Instant when) const { return known_at_ >= when; }

  void server_up() {
    up_ = true;
    down_ = false;
  }
  void answered(std::optional<Tide> tide);  // none: the last reading still stands
  void forget() { tide_.reset(); }          // the server is there; its next reading comes unasked
  void server_down();

  [[nodiscard]] const std::optional<Tide>& tide() const { return tide_; }
  [[nodiscard]] bool down() const { return down_; }

 private:
  void ask(Instant now) {
    asked_ = true;
    asked_at_ = now;
  }

  std::optional<Tide> tide_;
  bool up_ = false;
  bool down_ = false;  // it did not answer; at first it is neither up nor down
  bool asked_ = false;
  Instant asked_at_ = Instant::min();  // the last time
  Instant known_at_ = Instant::min();  // the last answer was asked for then
};

}  // namespace tidegate::gate
