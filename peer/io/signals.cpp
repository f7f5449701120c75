#include "peer/io/signals.hpp"

#include <csignal>

#include <sys/signalfd.h>
#include <unistd.h>

#include "lib/base/must.hpp"

namespace tidegate::io {
namespace {

sigset_t stop_set() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&set, signal);
  return set;
}

}  // namespace

StopSignals::StopSignals() {
  const auto set = stop_set();
  TIDEGATE_MUST(pthread_sigmask(SIG_BLOCK, &set, nullptr) == 0);
  descriptor_ = Descriptor(signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC));
  TIDEGATE_MUST(descriptor_);
}

StopSignals::~StopSignals() {
  // A signal that has come is done with; still pending it would end the process now.
  signalfd_siginfo come{};
  while (read(descriptor_.get(), &come, sizeof come) > 0) {
  }
  const auto set = stop_set();
  (void)pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

}  // namespace tidegate::io
