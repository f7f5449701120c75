// When to announce: often enough to be found at once, rarely enough to cost nothing.
//
// A burst of three on coming (datagrams get lost), then one a second, one in five seconds once the
// neighbourhood is stable. A peer that hears a newcomer answers soon, because the newcomer would
// otherwise learn of it only at its next turn. Every wait is drawn from a range: with fixed waits
// 64 peers that heard the same newcomer would answer in the same instant, and peers started
// together would stay together.
//
// 1. One announcement answers everybody who asked before it: they all hear it.
// 2. However much is heard, two announcements are at least 50 ms apart outside the burst, and
//    answers in a row ever longer, up to 400 ms: neither a flood of questions, forged or not, nor
//    many peers that start together make a flood of answers, which all of them have to read.
// 3. Waits count from the last announcement, not from the missed deadline: a late loop does not
//    make up for what it missed.
//
// It does not know what is announced, and a farewell needs no pace: the caller sends it at once.
#pragma once

#include "lib/base/random.hpp"
#include "tidegate/time.hpp"

namespace tidegate::mesh {

class BeaconPace {
 public:
  // Starts with the burst. The same random source and the same calls give the same times.
  BeaconPace(base::Random random, Instant now);

  // When take_due() will have something to say. Every other call may change it, take_due() moves it
  // on. Asking early or late is harmless. Never `never`.
  [[nodiscard]] Instant deadline() const;

  // True when an announcement is due; the caller sends one then, and only then.
  [[nodiscard]] bool take_due(Instant now);

  // True while the announcements are those of the burst: they ask for a reply, since nobody has
  // been heard yet and somebody may know us already. Ask before take_due().
  [[nodiscard]] bool in_burst() const { return burst_left_ > 0; }

  // An origin was heard that was not known: answer within 40 ms (90 ms right after an
  // announcement, 440 ms after several answers in a row), and stay at the quick pace for a while.
  void newcomer(Instant now);

  // A known origin wants a reply: answer just as soon.
  void asked(Instant now);

  // An interface came back: to those behind it we are new.
  void restart(Instant now);

 private:
  Instant answer_ = never;   // an answer is owed, at this time
  Instant regular_;          // the next one that nobody has to ask for
  Instant last_newcomer_;    // or the start
  Instant earliest_answer_;  // invariant 2
  Duration answer_gap_;      // from the last announcement to it
  int burst_left_ = 0;
  base::Random random_;
};

}  // namespace tidegate::mesh
