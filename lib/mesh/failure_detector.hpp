// How long a peer may be silent. One for each peer; it knows no clock and sends nothing.
//
// Only words of the peer itself make it alive. A beacon does not: it may be old, forged, or come
// from a peer whose other sockets are stuck. Another peer that hears it can vouch for it: then it
// stays suspect, but is not gone. So a link that is broken in one direction brings nobody down.
#pragma once

#include <algorithm>

#include "tidegate/time.hpp"

namespace tidegate::mesh {

class FailureDetector {
 public:
  enum class Verdict : std::uint8_t { alive, suspect, gone };

  struct Patience {
    Duration suspect;
    Duration gone;  // longer
  };

  FailureDetector(Patience patience, Instant now) : patience_(patience), heard_(now) {}

  void heard(Instant now) { heard_ = now; }
  void vouched(Instant now) { vouched_ = now; }

  // We did not run for so long: silence during that time was ours, not the peer's. Without this, a
  // process that was stopped for a minute would wake up and declare everybody dead.
  void discount(Duration lateness) {
    heard_ += lateness;
    if (vouched_ != Instant::min()) vouched_ += lateness;
  }

  [[nodiscard]] Verdict verdict(Instant now) const {
    if (now < heard_ + patience_.suspect) return Verdict::alive;
    return now < gone_at() ? Verdict::suspect : Verdict::gone;
  }

  // When the verdict next changes by itself; `never` once it is gone.
  [[nodiscard]] Instant deadline(Instant now) const {
    switch (verdict(now)) {
      case Verdict::alive:
        return heard_ + patience_.suspect;
      case Verdict::suspect:
        return gone_at();
      case Verdict::gone:
        break;
    }
    return never;
  }

  [[nodiscard]] Duration silent(Instant now) const { return now - heard_; }

 private:
  [[nodiscard]] Instant gone_at() const {
    auto when = heard_ + patience_.gone;
    if (vouched_ > heard_) when = std::max(when, vouched_ + (patience_.gone - patience_.suspect));
    return when;
  }

  Patience patience_;
  Instant heard_;
  Instant vouched_ = Instant::min();
};

}  // namespace tidegate::mesh
