#include "bench/gate_workers.hpp"

#include <algorithm>
#include <deque>
#include <functional>
#include <iostream>
#include <stdexcept>

#include "bench/carrier.hpp"
#include "bench/member.hpp"
#include "bench/records.hpp"
#include "bench/sleep.hpp"
#include "bench/stamp.hpp"
#include "bench/worker_costs.hpp"
#include "peer/io/clock.hpp"
#include "support/session.hpp"

namespace tidegate::bench {
namespace {

using namespace std::chrono_literals;

// tidegate, each message with the position of its change.
class PositionSender : public Sender {
 public:
  PositionSender(const std::string& address, const std::string& primary) {
    Options options;
    if (!primary.empty()) options.primary = primary;
    peer_ = start_member<Peer>(address, std::move(options));
  }

  void wait_for(std::size_t receivers, Duration bound) override {
    if (!peer_->wait_ready(receivers, std::chrono::ceil<std::chrono::milliseconds>(bound))) {
      throw std::runtime_error("the reader is not ready");
    }
  }

  void send(std::string_view payload) override {
    while (true) {
      const auto answer = peer_->publish(topic_, std::string(payload), AfterCommit{});
      if (answer == Publish::accepted) return;
      sleep_until(io::clock_now() + 1ms);  // the primary is not known yet, or too many are unsent
    }
  }

  [[nodiscard]] std::uint64_t questions() { return peer_->status().counters.position_queries; }

 private:
  std::unique_ptr<Peer> peer_;
  Topic topic_ = Topic::parse("bench/gate").value();
};

class RowChecker {
 public:
  explicit RowChecker(const RowCheckerTask& task)
      : task_(task), seen_(task.count), session_(task.server) {
    session_.execute("PREPARE look AS SELECT FROM rows WHERE id = $1");
    if (task.cure.gated) {
      Options options;
      if (!task.server.empty()) options.database = task.server;
      peer_ = start_member<DrivenPeer>(task.address, std::move(options));
      peer_->subscribe(Pattern::all());
    } else {
      receiver_ = find_carrier(task.carrier)->receiver(task.address);
    }
  }

  void run() {
    while (read_ < task_.count && !input_.pending()) {
      receive(std::min(io::clock_now() + 50ms, waiting_.empty() ? never : waiting_.front().due));
      while (!waiting_.empty() && waiting_.front().due <= io::clock_now()) look();
    }
    write_records(task_.file, seen_);
    std::cout << "got " << queries_ << " " << (peer_ ? peer_->status().counters.replay_reads : 0)
              << " " << cpu_nanoseconds() / 1'000 << std::endl;
  }

 private:
  struct Waiting {
    std::uint64_t number;
    Instant due;
  };

  void receive(Instant until) {
    if (!peer_) {
      receiver_->receive(until, [&](std::string_view payload) { arrived(payload, 0, {}); });
      return;
    }
    auto incoming = peer_->next(
        std::max(0ms, std::chrono::floor<std::chrono::milliseconds>(until - io::clock_now())));
    for (; incoming; incoming = peer_->next(0ms)) {
      const auto* delivery = std::get_if<Delivery>(&*incoming);
      if (delivery == nullptr) continue;
      const auto position = delivery->message.position.value_or(Position{});
      arrived(delivery->message.payload, position.offset, delivery->held);
    }
  }

  void arrived(std::string_view payload, std::uint64_t lsn, Duration held) {
    const auto stamp = read_stamp(payload);
    if (!stamp || stamp->number >= task_.count) return;
    auto& seen = seen_[stamp->number];
    const auto now = io::clock_now();
    seen.arrived = nanoseconds(now);
    seen.lsn = lsn;
    seen.held = held.count();
    waiting_.push_back({stamp->number, now + task_.cure.first_pause});
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
  std::unique_ptr<DrivenPeer> peer_;
  std::unique_ptr<Receiver> receiver_;
  std::deque<Waiting> waiting_;  // the next one first
  support::WorkerInput input_;
  std::size_t read_ = 0;
  std::uint64_t queries_ = 0;
};

// The rows from `first` up to `last`, in one transaction.
std::string insertion(std::size_t first, std::size_t last) {
  return "INSERT INTO rows SELECT generate_series(" + std::to_string(first) + ", " +
         std::to_string(last - 1) + ")";
}

}  // namespace

int run_committer(const CommitterTask& task) {
  support::Session session(task.primary);
  PositionSender* gated = nullptr;
  std::unique_ptr<Sender> sender;
  if (task.carrier.empty()) {
    auto with_positions = std::make_unique<PositionSender>(task.address, task.primary);
    gated = with_positions.get();
    sender = std::move(with_positions);
  } else {
    sender = find_carrier(task.carrier)->sender(task.address);
  }
  sender->wait_for(1, 30s);
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
    session.execute(insertion(first, last));
    committed.resize(last, nanoseconds(io::clock_now()));
    for (auto number = first; number < last; ++number) {
      write({nanoseconds(begin + Duration(due[number])), number, false}, payload);
      sender->send(payload);
    }
    sender->flush();
  }
  write_records(task.file, committed);
  std::cout << "sent " << (gated != nullptr ? gated->questions() : 0) << std::endl;
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
