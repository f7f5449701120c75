#include "gate_part.hpp"

#include <algorithm>
#include <deque>
#include <functional>
#include <iostream>
#include <stdexcept>

#include "carrier.hpp"
#include "peer/clock.hpp"
#include "peer/peer.hpp"
#include "records.hpp"
#include "sleep.hpp"
#include "stamp.hpp"
#include "tests/support/session.hpp"
#include "told.hpp"

namespace tidegate::bench {
namespace {

using namespace std::chrono_literals;

Options member(const std::string& address) {
  Options options;
  options.mesh = "bench-" + address;
  options.beacon_port = static_cast<std::uint16_t>(std::stoi(address));
  return options;
}

std::unique_ptr<Peer> start(Options options, Drive drive) {
  auto peer = Peer::start(std::move(options), drive);
  if (!peer) throw std::runtime_error(peer.error().message);
  return std::move(*peer);
}

class PositionSender : public Sender {
 public:
  PositionSender(const std::string& address, const std::string& primary) {
    auto options = member(address);
    options.primary = primary;
    peer_ = start(std::move(options), Drive::own_thread);
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
      sleep_until(clock_now() + 1ms);  // the primary is not known yet, or the outbox is full
    }
  }

 private:
  std::unique_ptr<Peer> peer_;
  Topic topic_ = Topic::parse("bench/gate").value();
};

class Looker {
 public:
  explicit Looker(const LookerTask& task) : task_(task), seen_(task.count), session_(task.server) {
    session_.execute("PREPARE look AS SELECT FROM rows WHERE id = $1");
    if (task.cure.gated) {
      auto options = member(task.address);
      options.database = task.server;
      peer_ = start(std::move(options), Drive::caller);
      peer_->subscribe(Pattern::all());
    } else {
      receiver_ = find_carrier(task.carrier)->receiver(task.address);
    }
  }

  void run() {
    while (read_ < task_.count && !something_told()) {
      receive(std::min(clock_now() + 50ms, waiting_.empty() ? never : waiting_.front().due));
      while (!waiting_.empty() && waiting_.front().due <= clock_now()) look();
    }
    write_records(task_.file, seen_);
    std::cout << "got " << queries_ << " " << (peer_ ? peer_->status().counters.polls : 0) << " "
              << cpu_microseconds() << std::endl;
  }

 private:
  struct Waiting {
    std::uint64_t number;
    Instant due;
  };

  void receive(Instant until) {
    if (!peer_) {
      receiver_->receive(until, [&](std::string_view payload) { arrived(payload, 0); });
      return;
    }
    auto incoming = peer_->next(
        std::max(0ms, std::chrono::floor<std::chrono::milliseconds>(until - clock_now())));
    for (; incoming; incoming = peer_->next(0ms)) {
      const auto* delivery = std::get_if<Delivery>(&*incoming);
      if (delivery == nullptr) continue;
      const auto position = delivery->message.position.value_or(Position{});
      arrived(delivery->message.payload, position.lsn.bytes);
    }
  }

  void arrived(std::string_view payload, std::uint64_t lsn) {
    const auto stamp = read_stamp(payload);
    if (!stamp || stamp->number >= task_.count) return;
    auto& seen = seen_[stamp->number];
    const auto now = clock_now();
    seen.arrived = nanoseconds(now);
    seen.lsn = lsn;
    waiting_.push_back({stamp->number, now + task_.cure.first_pause});
  }

  // All pauses of a run are alike, but for the first of each row.
  void look() {
    auto waiting = waiting_.front();
    waiting_.pop_front();
    auto& seen = seen_[waiting.number];
    ++queries_;
    if (!session_.rows("EXECUTE look(" + std::to_string(waiting.number) + ")").empty()) {
      seen.read = nanoseconds(clock_now());
      ++read_;
      return;
    }
    ++seen.stale;
    waiting.due = clock_now() + task_.cure.pause;
    const auto behind = std::ranges::upper_bound(waiting_, waiting.due, {}, &Waiting::due);
    waiting_.insert(behind, waiting);
  }

  LookerTask task_;
  std::vector<Seen> seen_;
  testing::Session session_;
  std::unique_ptr<Peer> peer_;
  std::unique_ptr<Receiver> receiver_;
  std::deque<Waiting> waiting_;  // the next one first
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
  testing::Session session(task.primary);
  const auto sender = task.carrier.empty()
                          ? std::make_unique<PositionSender>(task.address, task.primary)
                          : find_carrier(task.carrier)->sender(task.address);
  sender->wait_for(1, 30s);
  std::cout << "ready" << std::endl;
  told();
  const auto due = read_records<std::int64_t>(task.due);
  std::vector<std::int64_t> committed;
  std::string payload(256, '.');
  const auto begin = clock_now();
  while (committed.size() < due.size()) {
    // What is due meanwhile is committed together, as a busy application would.
    const auto first = committed.size();
    sender->rest(begin + Duration(due[first]));
    const auto passed = (clock_now() - begin).count();
    auto last = first + 1;
    while (last < due.size() && last < first + 100 && due[last] <= passed) ++last;
    session.execute(insertion(first, last));
    committed.resize(last, nanoseconds(clock_now()));
    for (auto number = first; number < last; ++number) {
      write({nanoseconds(begin + Duration(due[number])), number, false}, payload);
      sender->send(payload);
    }
    sender->flush();
  }
  write_records(task.file, committed);
  std::cout << "sent" << std::endl;
  while (!something_told()) {
    sender->rest(clock_now() + 20ms);
    sender->flush();
  }
  return 0;
}

int run_looker(const LookerTask& task) {
  Looker looker(task);
  std::cout << "ready" << std::endl;
  looker.run();
  told();
  return 0;
}

}  // namespace tidegate::bench
