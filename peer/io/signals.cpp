#include "peer/io/signals.hpp"

#include <csignal>

#include <sys/signalfd.h>
#include <unistd.h>

#include "lib/base/must.hpp"

namespace tidegate::io {
namespace {

using Hangup = StopSignals::Hangup;

sigset_t stop_set(Hangup hangup) {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGINT, SIGTERM}) sigaddset(&set, signal);
  if (hangup == Hangup::stops) sigaddset(&set, SIGHUP);
  return set;
}

sigset_t hangup_set() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGHUP);
  return set;
}

Descriptor block(const sigset_t& set) {
  TIDEGATE_MUST(pthread_sigmask(SIG_BLOCK, &set, nullptr) == 0);
  Descriptor descriptor(signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC));
  TIDEGATE_MUST(descriptor);
  return descriptor;
}

void drain(const Descriptor& descriptor) {
  signalfd_siginfo come{};
  while (read(descriptor.get(), &come, sizeof come) > 0) {
  }
}

// A signal that has come is done with; still pending it would end the process now.
void unblock(const Descriptor& descriptor, const sigset_t& set) {
  drain(descriptor);
  (void)pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

}  // namespace

StopSignals::StopSignals(Hangup hangup) : hangup_(hangup), descriptor_(block(stop_set(hangup))) {}
StopSignals::~StopSignals() { unblock(descriptor_, stop_set(hangup_)); }

HangupSignal::HangupSignal() : descriptor_(block(hangup_set())) {}
HangupSignal::~HangupSignal() { unblock(descriptor_, hangup_set()); }
void HangupSignal::take() { drain(descriptor_); }

}  // namespace tidegate::io
