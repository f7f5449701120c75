// tidegate's outbox: a row that is announced in the transaction and read on the listener's replica.
// With hints the writer publishes an empty message behind each COMMIT, and the listener reads as
// soon as the gate lets it through; without them it reads five times a second.
#include "tidegate/outbox.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <stdexcept>
#include <utility>

#include <poll.h>

#include "bench/member.hpp"
#include "bench/sources/source.hpp"
#include "peer/io/clock.hpp"

namespace tidegate::bench {
namespace {

using namespace std::chrono_literals;

class HintSender : public Sender {
 public:
  explicit HintSender(const Places& places) {
    Options options;
    options.primary = places.primary;
    peer_ = start_member<Peer>(places.mesh, std::move(options));
  }

  void wait_for(std::size_t receivers, Duration bound) override {
    wait_for_readers(*peer_, receivers, bound);
  }

  void send(std::string_view) override {}
  // One for all rows of a transaction. A lost one costs a poll.
  void flush() override {
    static_cast<void>(peer_->publish(outbox_hint_topic(), "", AfterCommit{}));
  }
  [[nodiscard]] std::uint64_t queries() override {
    return peer_->status().counters.position_queries;
  }

 private:
  std::unique_ptr<Peer> peer_;
};

class OutboxListener : public Listener {
 public:
  OutboxListener(const Places& places, bool hinted) {
    auto opened = OutboxSubscription::open({.database = places.replica});
    if (!opened) throw std::runtime_error(opened.error().message);
    outbox_ = std::move(*opened);
    // It has a place to begin once it has read for the first time.
    for (const auto end = io::clock_now() + 20s; outbox_->cursor().empty();) {
      if (io::clock_now() > end) throw std::runtime_error("no outbox: " + outbox_->trouble());
      static_cast<void>(outbox_->next(10ms));
    }
    if (!hinted) return;
    Options options;
    options.database = places.replica;
    peer_ = start_member<DrivenPeer>(places.mesh, std::move(options));
    peer_->subscribe(Pattern::parse(to_string(outbox_hint_topic())).value());
  }

  void receive(Instant until, const TakeAnnouncement& take) override {
    if (!peer_) {
      const auto left = std::chrono::floor<std::chrono::milliseconds>(until - io::clock_now());
      take_all(std::max(0ms, left), take);
      return;
    }
    for (bool taken = false; !taken;) {
      while (const auto incoming = peer_->next(0ms)) {
        if (std::holds_alternative<Delivery>(*incoming)) outbox_->wake();
      }
      taken = take_all(0ms, take);
      if (!taken && !wait(until)) return;
    }
  }

  [[nodiscard]] std::uint64_t queries() const override {
    return peer_ ? peer_->status().counters.replay_reads : 0;
  }

 private:
  bool take_all(std::chrono::milliseconds timeout, const TakeAnnouncement& take) {
    bool taken = false;
    auto incoming = outbox_->next(timeout);
    for (; incoming; incoming = outbox_->next(0ms)) {
      if (const auto* delivery = std::get_if<Delivery>(&*incoming)) {
        take({.number = number_of(delivery->message.payload)});
        taken = true;
      }
    }
    return taken;
  }

  // False: the time is over.
  bool wait(Instant until) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - io::clock_now());
    if (left <= 0ms) return false;
    std::array<pollfd, 2> both = {
        {{outbox_->descriptor(), POLLIN, 0}, {peer_->descriptor(), POLLIN, 0}}};
    return ::poll(both.data(), both.size(), static_cast<int>(left.count())) > 0;
  }

  std::unique_ptr<OutboxSubscription> outbox_;
  std::unique_ptr<DrivenPeer> peer_;  // none: no hints
};

Source outbox(bool hinted) {
  Source source;
  source.heard = "replica";
  source.statement =
      std::string("SELECT tidegate.announce('bench/outbox', payload) FROM (SELECT ") + payload_sql +
      ") AS rows (payload)";
  source.listener = [hinted](const Places& places) {
    return std::make_unique<OutboxListener>(places, hinted);
  };
  return source;
}

}  // namespace

Source outbox_source() {
  auto source = outbox(true);
  source.name = "outbox";
  source.title = "tidegate's outbox, with hints";
  source.behind_commit = [](const Places& places) { return std::make_unique<HintSender>(places); };
  return source;
}

Source unhinted_outbox_source() {
  auto source = outbox(false);
  source.name = "outbox-unhinted";
  source.title = "tidegate's outbox, without hints";
  return source;
}

}  // namespace tidegate::bench
