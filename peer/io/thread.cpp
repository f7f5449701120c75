#include "peer/io/thread.hpp"

#include <system_error>
#include <utility>

#include "lib/base/must.hpp"
#include "peer/io/headroom.hpp"

namespace tidegate::io {

SignalsBlocked::SignalsBlocked() {
  sigset_t all;
  sigfillset(&all);
  for (const int raised : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT}) {
    sigdelset(&all, raised);
  }
  TIDEGATE_MUST(pthread_sigmask(SIG_BLOCK, &all, &before_) == 0);
}

SignalsBlocked::~SignalsBlocked() { (void)pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

Result<std::thread> start_thread(std::function<void()> run) {
  const SignalsBlocked blocked;
  try {
    return std::thread(std::move(run));
  } catch (const std::system_error&) {
    return Error{no_thread_left()};
  }
}

}  // namespace tidegate::io
