#include "support/reaper.hpp"

#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include <poll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/eventually.hpp"
#include "support/process.hpp"
#include "support/temporary_directory.hpp"

namespace tidegate::support {
namespace {

using namespace std::chrono_literals;

// From here on the signals that ask us to end can be read from the descriptor.
io::Descriptor catch_signals() {
  sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, SIGINT);
  ::sigaddset(&set, SIGTERM);
  struct sigaction hangup {};
  ::sigaction(SIGHUP, nullptr, &hangup);
  if (hangup.sa_handler != SIG_IGN) ::sigaddset(&set, SIGHUP);  // else we are under nohup
  ::sigprocmask(SIG_BLOCK, &set, nullptr);
  return io::Descriptor(::signalfd(-1, &set, SFD_CLOEXEC));
}

int read_signal(const io::Descriptor& signals) {
  signalfd_siginfo info{};
  if (::read(signals.get(), &info, sizeof info) != sizeof info) return SIGTERM;
  return static_cast<int>(info.ssi_signo);
}

// The environment may name a server, or set options for one; ours are all named in full.
void forget_postgres_settings() {
  std::vector<std::string> names;
  for (auto** entry = environ; *entry != nullptr; ++entry) {
    if (std::strncmp(*entry, "PG", 2) == 0) names.emplace_back(*entry, std::strcspn(*entry, "="));
  }
  for (const auto& name : names) ::unsetenv(name.c_str());
}

// True when we have no child any more.
bool reap() {
  pid_t ended = 0;
  do {
    ended = ::waitpid(-1, nullptr, WNOHANG);
  } while (ended > 0);
  return ended < 0;
}

// Processes that were left behind end by themselves when their parent is gone: a server that was
// told to, the helpers of initdb. Those that don't are killed.
void end_orphans() {
  if (eventually(10s, reap)) return;
  while (!reap()) {
    for (const auto child : children_of(::getpid())) ::kill(child, SIGKILL);
    static_cast<void>(eventually(1s, reap));
  }
}

struct Ending {
  int status = 0;
  int signal = 0;  // that we got; 0: none
};

Ending run_to_end(const std::vector<std::string>& command, const io::Descriptor& signals) {
  const TemporaryDirectory directory("reaped");
  Ending ending;
  Process process({.arguments = command, .environment = {{"TEST_SCRATCH", directory.path()}}});
  const auto end = watch_process(process.pid());
  std::array<pollfd, 2> wanted{pollfd{end.get(), POLLIN, 0}, pollfd{signals.get(), POLLIN, 0}};
  while (::poll(wanted.data(), wanted.size(), -1) < 0) {
  }
  if (wanted[1].revents != 0) ending.signal = read_signal(signals);
  ending.status = process.terminate(2s).status;
  end_orphans();
  return ending;
}

}  // namespace

int run_and_reap(const std::string& program, const std::vector<std::string>& command) {
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  // The command is in a process group of its own, which a terminal may be set to stop when it
  // writes (stty tostop).
  std::signal(SIGTTOU, SIG_IGN);
  forget_postgres_settings();
  const auto signals = catch_signals();

  const auto ending = run_to_end(command, signals);
  const auto* newline = ::isatty(STDERR_FILENO) != 0 ? "\n" : "";  // behind the "^C"
  if (ending.signal != 0) {
    std::fprintf(stderr, "%s%s: interrupted; all that it had started is gone\n", newline,
                 program.c_str());
    return 128 + ending.signal;
  }
  const int killer = ending.status - 128;
  if (killer > 0 && killer != SIGPIPE) {  // SIGPIPE: whoever read our output has seen enough
    std::fprintf(stderr, "%s%s: killed by signal %d; all that it had started is gone\n", newline,
                 program.c_str(), killer);
  }
  return ending.status;
}

}  // namespace tidegate::support
