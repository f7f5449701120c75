// How long after its arrival the change of a message is shown, as the messages before it have
// taught: so that the server is asked for each one when that is likely to help, however many are
// held and however far the server is behind.
//
// 1. The third least of the last eight lags is expected. A question that comes too early costs the
//    next one 100 us later, one that comes too late delays the message by all that it is late: so
//    the first one comes 200 us before that, as a timer may wake an idle processor so late. Two
//    outliers change nothing, and a new lag is learned from six messages.
// 2. A change was shown between the last question in vain and the one that has found it, whichever
//    message those were asked for; the middle counts. The latter alone would contain its own
//    waiting: what is expected would grow by what it has caused, and run away. Questions that lie
//    further apart than the pauses between them (tide_poll.hpp) were kept apart by a busy
//    application, of which nothing is learned.
// 3. If no question was in vain since one was likely to help, the change may have been there for
//    long, and the question may have come late for reasons of this side. Then it counts as shown a
//    little earlier, never later than expected, and twice as much earlier each time that this
//    happens again, so that a server which has caught up is followed within a few messages.
// 4. Of messages that come together one teaches: a burst does not replace all that is known.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>

#include "tidegate/time.hpp"

namespace tidegate::gate {

class ReplayLag {
 public:
  // From the arrival of a message to the first question that is likely to help.
  [[nodiscard]] Duration expected() const { return expected_; }

  // The message that had come at `since` was shown by the question that was asked at `found`, but
  // not by the one before, which was asked at `in_vain`. A message that came behind both was shown
  // before it was here, and tells nothing of those that have to wait.
  void shown(Instant since, Instant in_vain, Instant found) {
    if (found < since || since < taught_at_ + together) return;
    taught_at_ = since;
    const auto most = found - since;
    const auto least = in_vain < since ? Duration::zero() : in_vain - since;
    const auto middle = least + std::min((most - least) / 2, early + least / 8);
    const bool asked_late = in_vain < since + expected_;
    learn(asked_late ? std::min(expected_, std::max(middle, most - earlier_)) : middle);
    if (!asked_late) {
      earlier_ = least_step;
    } else if (earlier_ < most) {
      earlier_ *= 2;
    }
  }

  // Another server has a lag of its own.
  void forget() { *this = {}; }

 private:
  static constexpr Duration early = std::chrono::microseconds(200);
  static constexpr Duration least_step = std::chrono::microseconds(100);
  static constexpr Duration together = std::chrono::microseconds(100);
  static constexpr std::size_t counts = 2;  // the place of the one that counts, of all in order

  void learn(Duration lag) {
    lags_[next_] = lag;
    next_ = (next_ + 1) % lags_.size();
    auto ordered = lags_;
    std::nth_element(ordered.begin(), ordered.begin() + counts, ordered.end());
    expected_ = std::max(ordered[counts] - early, Duration::zero());
  }

  std::array<Duration, 8> lags_{};  // the last ones; as if there had been none before the first
  std::size_t next_ = 0;
  Duration expected_{};
  Duration earlier_ = least_step;  // that a change counts as, if it may have been there for long
  Instant taught_at_ = Instant::min();  // the arrival of the last message that has taught
};

}  // namespace tidegate::gate
