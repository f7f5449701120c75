// How long a peer may be silent. One for each peer; it knows no clock and sends nothing.
//
// Only words of the peer itself count. A beacon does not: it may be old, forged, or come from a
// peer whose other sockets are stuck.
#pragma once

#include "instant.hpp"

namespace tidegate {

class FailureDetector {
 public:
  enum class Verdict : std::uint8_t { alive, suspect, gone };

  struct Patience {
    Duration suspect;
    Duration gone;  // longer
  };

  FailureDetector(Patience patience, Instant now) : patience_(patience), heard_(now) {}

  void heard(Instant now) { heard_ = now; }

  // We did not run for so long: silence during that time was ours, not the peer's. Without this, a
  // process that was stopped for a minute would wake up and declare everybody dead.
  void excuse(Duration lateness) { heard_ += lateness; }

  [[nodiscard]] Verdict verdict(Instant now) const {
    const auto silent = now - heard_;
    if (silent >= patience_.gone) return Verdict::gone;
    return silent >= patience_.suspect ? Verdict::suspect : Verdict::alive;
  }

  // When the verdict next changes by itself; `never` once it is gone.
  [[nodiscard]] Instant deadline(Instant now) const {
    switch (verdict(now)) {
      case Verdict::alive:
        return heard_ + patience_.suspect;
      case Verdict::suspect:
        return heard_ + patience_.gone;
      case Verdict::gone:
        break;
    }
    return never;
  }

  [[nodiscard]] Duration silent(Instant now) const { return now - heard_; }

 private:
  Patience patience_;
  Instant heard_;
};

}  // namespace tidegate
