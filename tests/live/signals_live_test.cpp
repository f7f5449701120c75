// Peers in programs that use signals.
#include <atomic>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <string>

#include <doctest/doctest.h>
#include <sys/syscall.h>
#include <sys/time.h>

#include "tests/live/forked.hpp"
#include "tests/live/mesh.hpp"

using namespace tidegate;
using namespace tidegate::testing;
using namespace std::chrono_literals;

namespace {

std::atomic<int> alarms = 0;

// A thousand times a second, and every call that it meets is interrupted: no SA_RESTART.
void begin_alarms() {
  struct sigaction action {};
  action.sa_handler = [](int) { ++alarms; };
  sigaction(SIGALRM, &action, nullptr);
  const itimerval every{{0, 1000}, {0, 1000}};
  setitimer(ITIMER_REAL, &every, nullptr);
}

// One of them sends all, some at a time, and the other takes all, in order.
std::string exchange_under_alarms(std::uint64_t count) {
  begin_alarms();
  auto options = private_mesh();
  options.report_sent = true;
  auto sender = DrivenPeer::start(options);
  auto taker = DrivenPeer::start(options);
  if (!sender || !taker) return "not started";
  (*taker)->subscribe(Pattern::all());
  std::uint64_t published = 0;
  std::uint64_t taken = 0;
  const auto end = std::chrono::steady_clock::now() + 50s;
  while (taken < count) {
    if (std::chrono::steady_clock::now() > end) return std::to_string(taken) + " taken in time";
    (*sender)->run_once(0ms);
    if ((*sender)->wait_ready(1, 0ms)) {
      for (int i = 0; i < 10 && published < count; ++i) {
        if ((*sender)->publish(topic("t"), "x") == Publish::accepted) ++published;
      }
    }
    while (const auto answer = (*sender)->next(0ms)) {
    }
    while (const auto incoming = (*taker)->next(1ms)) {
      if (const auto* delivery = std::get_if<Delivery>(&*incoming)) {
        if (delivery->sequence != ++taken) return "out of order";
      }
    }
  }
  (*sender)->leave();
  (*taker)->leave();
  return alarms > 500 ? "all, under alarms" : "only " + std::to_string(alarms) + " alarms";
}

// Of each thread of this process, the mask of the signals that it blocks.
std::string blocked_by(const std::filesystem::path& task) {
  std::ifstream file(task / "status");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("SigBlk:")) return line.substr(8);
  }
  return "";
}

}  // namespace

TEST_CASE("a driven peer throws nothing and loses nothing under a thousand signals a second") {
  CHECK(in_child([] { return exchange_under_alarms(20'000); }) == "all, under alarms");
}

TEST_CASE("no thread of a peer takes a signal of the application") {
  const auto said = in_child([]() -> std::string {
    auto peer = start(private_mesh(), "peer");
    if (peer->on_incoming([](const Incoming&) {})) return "no handler";
    std::this_thread::sleep_for(200ms);  // libzmq's threads block theirs when they run
    int threads = 0;
    for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
      if (task.path().filename() == std::to_string(syscall(SYS_gettid))) continue;
      ++threads;
      const auto mask = std::stoull(blocked_by(task.path()), nullptr, 16);
      for (const int signal : {SIGALRM, SIGINT, SIGTERM, SIGCHLD, SIGUSR1, SIGPROF, SIGPIPE}) {
        if ((mask >> (static_cast<unsigned>(signal) - 1U) & 1U) == 0) {
          return "a thread takes signal " + std::to_string(signal);
        }
      }
    }
    peer->leave();
    sigset_t own{};
    pthread_sigmask(SIG_SETMASK, nullptr, &own);
    if (sigismember(&own, SIGALRM) != 0) return "the application's thread takes none any more";
    return threads >= 4 ? "none" : "only " + std::to_string(threads) + " threads";
  });
  CHECK(said == "none");
}
