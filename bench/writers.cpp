// Writers that commit without a pause, each on a session of its own, and a process that hears of
// all their rows: what an announcement costs those who write, and whether any is missed when
// transactions overlap.
#include <algorithm>
#include <atomic>
#include <iostream>
#include <set>
#include <thread>

#include "bench/announcer.hpp"
#include "bench/gate_workers.hpp"
#include "bench/stamp.hpp"
#include "bench/statistics.hpp"
#include "peer/io/clock.hpp"
#include "support/session.hpp"
#include "support/worker_input.hpp"

namespace tidegate::bench {
namespace {

using namespace std::chrono_literals;

constexpr Duration longest_pause = 5s;

// The times that its commits took, ns.
std::vector<std::int64_t> write_until(Instant end, const WritersTask& task, Sender& sender,
                                      std::atomic<std::size_t>& next) {
  support::Session session(task.places.primary);
  const auto* source = find_source(task.announcer);
  std::string payload(256, '.');
  std::vector<std::int64_t> times;
  for (auto begin = io::clock_now(); begin < end; begin = io::clock_now()) {
    const auto number = next++;
    session.execute(change(source, number, number + 1));
    write({nanoseconds(begin), number, false}, payload);
    sender.send(payload);
    sender.flush();
    times.push_back((io::clock_now() - begin).count());
  }
  return times;
}

}  // namespace

int run_writers(const WritersTask& task) {
  const auto sender = make_sender(task.announcer, task.places);
  support::WorkerInput input;
  std::cout << "ready" << std::endl;
  static_cast<void>(input.next());
  std::atomic<std::size_t> next = 0;
  std::vector<std::vector<std::int64_t>> times(task.writers);
  std::vector<std::jthread> writers;
  writers.reserve(times.size());
  const auto end = io::clock_now() + task.length;
  for (auto& own : times) {
    writers.emplace_back([&] { own = write_until(end, task, *sender, next); });
  }
  writers.clear();
  std::vector<std::int64_t> all;
  for (const auto& own : times) all.insert(all.end(), own.begin(), own.end());
  std::ranges::sort(all);
  std::cout << "wrote " << all.size() << " " << percentile(all, 0.5) / 1e3 << std::endl;
  static_cast<void>(input.next());
  return 0;
}

int run_listener(const ListenerTask& task) {
  const auto listener = listen(task.announcer, task.places);
  support::WorkerInput input;
  std::cout << "ready" << std::endl;
  std::set<std::uint64_t> heard;
  auto last = io::clock_now();
  const auto receive = [&] {
    listener->receive(io::clock_now() + 20ms, [&](const Announcement& announcement) {
      heard.insert(announcement.number);
      last = io::clock_now();
    });
  };
  while (!input.pending()) receive();
  const auto rows = std::stoull(input.next().value_or("0"));
  while (heard.size() < rows && io::clock_now() < last + longest_pause) receive();
  std::cout << "heard " << heard.size() << std::endl;
  static_cast<void>(input.next());
  return 0;
}

}  // namespace tidegate::bench
