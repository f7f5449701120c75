#include "tests/soak/stage.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <functional>
#include <iostream>
#include <memory>
#include <mutex>
#include <set>
#include <sstream>
#include <stdexcept>
#include <thread>

#include <poll.h>
#include <unistd.h>

#include "peer/io/clock.hpp"
#include "support/temporary_directory.hpp"
#include "tests/soak/fault_injector.hpp"
#include "tests/soak/history.hpp"
#include "tests/soak/judge.hpp"
#include "tests/soak/network.hpp"
#include "tests/soak/peer_processes.hpp"
#include "tests/soak/servers.hpp"
#include "tests/soak/summary.hpp"

namespace tidegate::soak {
namespace {

using namespace std::chrono_literals;

constexpr Duration longest_meeting = 60s;
constexpr Duration healing = 3s;  // after the last fault, while messages still come
constexpr Duration quiet_for = 3s;
constexpr Duration longest_settling = 90s;

void say(const std::string& line) { std::cout << line + "\n" << std::flush; }

// Reads the journals on and prints a line a second, also while the stage waits for a server.
class Watcher {
 public:
  explicit Watcher(History& history) : history_(history), thread_([this] { run(); }) {}
  ~Watcher() { stop(); }
  Watcher(const Watcher&) = delete;
  Watcher& operator=(const Watcher&) = delete;

  void show(bool progress) { showing_ = progress; }

  void stop() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    changed_.notify_all();
    if (thread_.joinable()) thread_.join();
  }

 private:
  void run() {
    std::unique_lock lock(mutex_);
    auto next = io::clock_now();
    while (!changed_.wait_for(lock, 200ms, [this] { return stopping_; })) {
      history_.read_on();
      if (!showing_ || io::clock_now() < next) continue;
      say(history_.progress());
      next = io::clock_now() + 1s;
    }
  }

  History& history_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;
  std::atomic<bool> showing_ = false;
  std::thread thread_;
};

class Stage {
 public:
  Stage(std::string program, const Settings& settings)
      : settings_(settings),
        directory_("soak"),
        network_(make_network()),
        peers_(std::move(program), settings, directory_.path(), servers_, network_.get(), history_),
        watcher_(history_) {}

  int run() {
    start();
    strain();
    const bool settled = settle();
    peers_.dismiss();
    watcher_.stop();
    history_.read_on();
    return conclude(settled);
  }

 private:
  [[nodiscard]] std::unique_ptr<Network> make_network() const {
    try {
      if (::geteuid() == 0) return std::make_unique<Network>(settings_.peers);
      say("Not root: all peers are on the loopback interface, and no link is cut.");
    } catch (const std::runtime_error& error) {
      say(std::string("No network namespaces here, so no link is cut: ") + error.what());
    }
    return nullptr;
  }

  // Until it holds, for `bound` at most.
  bool wait(Duration bound, const std::function<bool()>& holds) {
    const auto end = io::clock_now() + bound;
    while (!holds()) {
      if (io::clock_now() > end) return false;
      peers_.check();
      ::poll(nullptr, 0, 50);
    }
    return true;
  }

  [[nodiscard]] bool all_ready() const {
    const auto standings = history_.last_standings(settings_.peers);
    return std::all_of(standings.begin(), standings.end(), [&](const auto& last) {
      return last && last->standing.ready + 1 == static_cast<std::uint64_t>(settings_.peers);
    });
  }

  // Everybody has said so after `since`, and for a while nothing has happened any more.
  [[nodiscard]] bool quiet(Instant since) const {
    const auto standings = history_.last_standings(settings_.peers);
    return all_ready() && io::clock_now() > std::max(since, history_.last_traffic()) + quiet_for &&
           std::all_of(standings.begin(), standings.end(), [&](const auto& last) {
             const auto& standing = last->standing;
             return last->at > since + quiet_for &&
                    standing.held + standing.unsent + standing.missing == 0;
           });
  }

  void start() {
    for (int peer = 0; peer < settings_.peers; ++peer) peers_.start(peer);
    if (!wait(longest_meeting, [&] { return all_ready(); })) {
      throw std::runtime_error("the peers did not find each other");
    }
    std::ostringstream text;
    text << "A primary and two replicas, " << settings_.peers
         << " peers, all ready for each other. Faults for " << settings_.minutes << " min, seed "
         << settings_.seed << ".";
    say(text.str());
  }

  void strain() {
    watcher_.show(true);
    FaultInjector injector(FaultPlan(settings_, network_ != nullptr), peers_, servers_,
                           network_.get(), history_, [this](const std::string& line) {
                             say(history_.since_begin(io::clock_now()) + "  " + line);
                           });
    const auto end = io::clock_now() + settings_.length();
    while (io::clock_now() < end) {
      injector.begin_and_end(io::clock_now());
      peers_.check();
      ::poll(nullptr, 0, 20);
    }
    injector.end_all();
  }

  bool settle() {
    say("No more faults.");
    static_cast<void>(wait(healing, [] { return false; }));
    peers_.quiet();
    say("No more messages; waiting until all have arrived.");
    const auto since = io::clock_now();
    const bool settled = wait(longest_settling, [&] { return quiet(since); });
    watcher_.show(false);
    if (settled) return true;
    say("It does not become quiet:");
    const auto standings = history_.last_standings(settings_.peers);
    for (int peer = 0; peer < settings_.peers; ++peer) {
      const auto& last = standings.at(static_cast<std::size_t>(peer));
      const auto standing = last ? last->standing : Standing{};
      say("  " + peer_name(peer) + ": ready for " + std::to_string(standing.ready) + ", holds " +
          std::to_string(standing.held) + ", unsent " + std::to_string(standing.unsent) +
          ", misses " + std::to_string(standing.missing));
    }
    say(servers_.standing());
    return false;
  }

  void keep_records() const {
    if (settings_.records.empty()) return;
    std::filesystem::create_directories(settings_.records);
    std::filesystem::copy(directory_.path(), settings_.records,
                          std::filesystem::copy_options::recursive |
                              std::filesystem::copy_options::overwrite_existing);
    servers_.keep_logs(settings_.records);
    say("The records of the peers and the logs of the servers are in " + settings_.records + ".");
  }

  int conclude(bool settled) {
    std::set<std::string> rows;
    for (auto& row : servers_.rows()) rows.insert(std::move(row.at(0)));
    const auto verdict = judge(history_.lives(), rows, history_.astray());
    say("\n" + table(verdict, history_) + "\n" + sentence(verdict, history_));
    if (!verdict.good()) {
      say("This must not happen. It can be tried again with --seed " +
          std::to_string(settings_.seed) + "; please report it.");
    } else if (!verdict.has_looked()) {
      say("No row could be looked up, so this run has shown nothing.");
    } else if (settled) {
      say("All went as it must.");
    }
    keep_records();
    return verdict.good() && verdict.has_looked() && settled ? 0 : 1;
  }

  // In the order in which they end, from below.
  Settings settings_;
  support::TemporaryDirectory directory_;
  History history_;
  Servers servers_;
  std::unique_ptr<Network> network_;
  PeerProcesses peers_;
  Watcher watcher_;
};

}  // namespace

int run_stage(const std::string& program, const Settings& settings) {
  return Stage(program, settings).run();
}

}  // namespace tidegate::soak
