// SIGINT, SIGTERM and SIGHUP as something to wait for, so that a peer can say farewell.
#pragma once

#include "peer/io/descriptor.hpp"

namespace tidegate::io {

// Make it before any thread starts: threads inherit that the signals don't interrupt them.
class StopSignals {
 public:
  StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;
  ~StopSignals();  // they end the process again

  // Readable once one has come, and from then on.
  [[nodiscard]] int descriptor() const { return descriptor_.get(); }

 private:
  Descriptor descriptor_;
};

}  // namespace tidegate::io
