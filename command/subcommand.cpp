#include "command/subcommand.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>

#include <fmt/format.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "command/units.hpp"
#include "lib/base/decimal.hpp"
#include "lib/base/must.hpp"

namespace tidegate::command {
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
  descriptor_ = io::Descriptor(signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC));
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

bool StopSignals::came() const {
  pollfd entry{descriptor_.get(), POLLIN, 0};
  return poll(&entry, 1, 0) > 0;
}

Duration duration_flag(const std::string& flag, const std::string& text, Duration otherwise,
                       std::vector<SettingProblem>& problems) {
  if (text.empty()) return otherwise;
  const auto duration = parse_duration(text);
  if (duration) return *duration;
  problems.push_back({flag, duration.error().message});
  return otherwise;
}

std::size_t count_flag(const std::string& flag, const std::string& text, std::size_t otherwise,
                       std::vector<SettingProblem>& problems) {
  if (text.empty()) return otherwise;
  const auto number = base::parse_number<std::size_t>(text);
  if (number.value_or(0) > 0) return *number;
  problems.push_back({flag, "'" + text + "' is not a count; write a whole number from 1"});
  return otherwise;
}

Options short_lived_options(const Invocation& invocation, const char* command) {
  auto options = invocation.settings.options;
  const auto given = invocation.given.find("name");
  if (given == invocation.given.end() || given->second != Source::flag) {
    options.name = fmt::format("tidegate {} ({})", command, getpid());
  }
  return options;
}

}  // namespace tidegate::command
