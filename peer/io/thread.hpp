// How threads of the library begin: without signals, which stay with the application's own threads,
// and with an error where the system has none left.
#pragma once

#include <csignal>
#include <functional>
#include <thread>

#include "tidegate/result.hpp"

namespace tidegate::io {

// In the calling thread, as long as it lives; a thread that starts meanwhile inherits that for
// good. Not of the signals that an instruction raises, such as SIGSEGV: blocked, they would end the
// process without the application's handler.
class SignalsBlocked {
 public:
  SignalsBlocked();
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;
  ~SignalsBlocked();

 private:
  sigset_t before_{};
};

// The error names the limits that may be in the way.
[[nodiscard]] Result<std::thread> start_thread(std::function<void()> run);

}  // namespace tidegate::io
