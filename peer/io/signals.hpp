// SIGINT, SIGTERM and SIGHUP as something to wait for, so that a peer can say farewell, or read
// its settings again.
#pragma once

#include <cstdint>

#include "peer/io/descriptor.hpp"

namespace tidegate::io {

// Make it before any thread starts: threads inherit that the signals don't interrupt them.
class StopSignals {
 public:
  // SIGHUP: that of a terminal that is closed stops too; a service's is a HangupSignal.
  enum class Hangup : std::uint8_t { stops, is_apart };
  explicit StopSignals(Hangup hangup = Hangup::stops);
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;
  ~StopSignals();  // they end the process again

  // Readable once one has come, and from then on.
  [[nodiscard]] int descriptor() const { return descriptor_.get(); }

 private:
  Hangup hangup_;
  Descriptor descriptor_;
};

// As StopSignals, for SIGHUP alone.
class HangupSignal {
 public:
  HangupSignal();
  HangupSignal(const HangupSignal&) = delete;
  HangupSignal& operator=(const HangupSignal&) = delete;
  ~HangupSignal();

  // Readable once one has come, until take().
  [[nodiscard]] int descriptor() const { return descriptor_.get(); }
  void take();

 private:
  Descriptor descriptor_;
};

}  // namespace tidegate::io
