#include "bench/gate_workers.hpp"

#include <algorithm>
#include <deque>
#include <iostream>

#include "bench/announcer.hpp"
#include "bench/records.hpp"
#include "bench/sources/source.hpp"
#include "bench/stamp.hpp"
#include "bench/worker_costs.hpp"
#include "peer/io/clock.hpp"
#include "support/session.hpp"

namespace tidegate::bench {
namespace {

using namespace std::chrono_literals;

class RowChecker {
 public:
  explicit RowChecker(const RowCheckerTask& task)
      : task_(task),
        seen_(task.count),
        session_(task.server),
        listener_(listen(task.announcer, task.places)) {
    session_.execute("PREPARE look AS SELECT FROM rows WHERE id = $1");
  }

  void run() {
    while (read_ < task_.count && !input_.pending()) {
      listener_->receive(
          std::min(io::clock_now() + 50ms, waiting_.empty() ? never : waiting_.front().due),
          [this](const Announcement& announcement) { heard(announcement); });
      while (!waiting_.empty() && waiting_.front().due <= io::clock_now()) look();
    }
    write_records(task_.file, seen_);
    std::cout << "got " << queries_ << " " << listener_->queries() << " "
              << cpu_nanoseconds() / 1'000 << std::endl;
  }

 private:
  struct Waiting {
    std::uint64_t number;
    Instant due;
  };

  void heard(const Announcement& announcement) {
    if (announcement.number >= task_.count) return;
    auto& seen = seen_[announcement.number];
    const auto now = io::clock_now();
    seen.arrived = nanoseconds(now);
    seen.lsn = announcement.lsn;
    seen.held = announcement.held.count();
    waiting_.push_back({announcement.number, now + task_.cure.first_pause});
  }

  // All pauses of a run are alike, but for the first of each row.
  void look() {
    auto waiting = waiting_.front();
    waiting_.pop_front();
    auto& seen = seen_[waiting.number];
    ++queries_;
    if (!session_.rows("EXECUTE look(" + std::to_string(waiting.number) + ")").empty()) {
      seen.read = nanoseconds(io::clock_now());
      ++read_;
      return;
    }
    ++seen.stale;
    waiting.due = io::clock_now() + task_.cure.pause;
    const auto behind = std::ranges::upper_bound(waiting_, waiting.due, {}, &Waiting::due);
    waiting_.insert(behind, waiting);
  }

  RowCheckerTask task_;
  std::vector<Seen> seen_;
  support::Session session_;
  std::unique_ptr<Listener> listener_;
  std::deque<Waiting> waiting_;  // the next one first
  support::WorkerInput input_;
  std::size_t read_ = 0;
  std::uint64_t queries_ = 0;
};

}  // namespace

int run_committer(const CommitterTask& task) {
  support::Session session(task.places.primary);
  const auto* source = find_source(task.announcer);
  const auto sender = make_sender(task.announcer, task.places);
  support::WorkerInput input;
  std::cout << "ready" << std::endl;
  static_cast<void>(input.next());
  const auto due = read_records<std::int64_t>(task.due);
  std::vector<std::int64_t> committed;
  std::string payload(256, '.');
  const auto begin = io::clock_now();
  while (committed.size() < due.size()) {
    // Changes that fall due meanwhile are committed together, as a busy application would.
    const auto first = committed.size();
    sender->rest(begin + Duration(due[first]));
    const auto passed = (io::clock_now() - begin).count();
    auto last = first + 1;
    while (last < due.size() && last < first + 100 && due[last] <= passed) ++last;
    session.execute(change(source, first, last));
    committed.resize(last, nanoseconds(io::clock_now()));
    for (auto number = first; number < last; ++number) {
      write({nanoseconds(begin + Duration(due[number])), number, false}, payload);
      sender->send(payload);
    }
    sender->flush();
  }
  write_records(task.file, committed);
  std::cout << "sent " << sender->queries() << std::endl;
  rest_until_told(*sender, input);
  return 0;
}

int run_row_checker(const RowCheckerTask& task) {
  RowChecker checker(task);
  std::cout << "ready" << std::endl;
  checker.run();
  static_cast<void>(support::WorkerInput().next());
  return 0;
}

}  // namespace tidegate::bench
