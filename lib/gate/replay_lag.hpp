// How long behind its message a change is shown, learned from what the polls found: so that the
// first question for a message need not be asked long before it can help.
//
// An average of what the polls measure runs away: it contains their own waiting, which grows with
// it. So what counts is the middle between the last question in vain and the one that found the
// change, which may lead up and down; a first question that finds it says only that it came too
// late, and shrinks the estimate. One outlier adds an eighth of the estimate and little more, and
// many leave it at `most`: a replica that has caught up at last is not left unasked for long.
#pragma once

#include <algorithm>
#include <chrono>

#include "tidegate/time.hpp"

namespace tidegate::gate {

class ReplayLag {
 public:
  // When to ask first for a message that has come then. Earlier would be in vain, by experience.
  [[nodiscard]] Instant first_question(Instant since) const {
    return since + std::max(expected_ - early, Duration::zero());
  }

  // A question that was asked then did not help the message that had come at `since`.
  void in_vain(Instant since, Instant asked) {
    if (asked >= since) in_vain_at_ = asked;
  }

  // It did.
  void shown(Instant since, Instant asked) {
    if (in_vain_at_ < since) {
      expected_ -= expected_ / part;
      return;
    }
    const auto sample = in_vain_at_ - since + (asked - in_vain_at_) / 2;
    const auto likely = std::min({sample, 2 * expected_ + early, most});
    expected_ += (likely - expected_) / part;
  }

  // Another server has a lag of its own.
  void forget() { *this = {}; }

 private:
  static constexpr Duration early = std::chrono::microseconds(100);
  static constexpr Duration most = std::chrono::milliseconds(5);
  static constexpr int part = 8;

  Duration expected_{};
  Instant in_vain_at_ = Instant::min();  // the last one
};

}  // namespace tidegate::gate
