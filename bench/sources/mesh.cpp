// A message of the mesh, published behind the COMMIT with the position of the change, and held
// until the listener's replica has replayed that far.
#include <algorithm>
#include <chrono>
#include <utility>

#include "bench/member.hpp"
#include "bench/sleep.hpp"
#include "bench/sources/source.hpp"
#include "bench/stamp.hpp"
#include "peer/io/clock.hpp"

namespace tidegate::bench {
namespace {

using namespace std::chrono_literals;

class PositionSender : public Sender {
 public:
  explicit PositionSender(const Places& places) {
    Options options;
    options.primary = places.primary;
    peer_ = start_member<Peer>(places.mesh, std::move(options));
  }

  void wait_for(std::size_t receivers, Duration bound) override {
    wait_for_readers(*peer_, receivers, bound);
  }

  void send(std::string_view payload) override {
    while (peer_->publish(topic_, std::string(payload), AfterCommit{}) != Publish::accepted) {
      sleep_until(io::clock_now() + 1ms);  // the primary is not known yet, or too many are unsent
    }
  }

  // tidegate's for a position.
  [[nodiscard]] std::uint64_t queries() override {
    return peer_->status().counters.position_queries;
  }

 private:
  std::unique_ptr<Peer> peer_;
  Topic topic_ = Topic::parse("bench/gate").value();
};

class GatedListener : public Listener {
 public:
  explicit GatedListener(const Places& places) {
    Options options;
    options.database = places.replica;
    peer_ = start_member<DrivenPeer>(places.mesh, std::move(options));
    peer_->subscribe(Pattern::all());
  }

  void receive(Instant until, const TakeAnnouncement& take) override {
    auto incoming = peer_->next(
        std::max(0ms, std::chrono::floor<std::chrono::milliseconds>(until - io::clock_now())));
    for (; incoming; incoming = peer_->next(0ms)) {
      const auto* delivery = std::get_if<Delivery>(&*incoming);
      if (delivery == nullptr) continue;
      const auto stamp = read_stamp(delivery->message.payload);
      const auto position = delivery->message.position.value_or(Position{});
      if (stamp) take({stamp->number, position.offset, delivery->held});
    }
  }

  // The polls of the gate.
  [[nodiscard]] std::uint64_t queries() const override {
    return peer_->status().counters.replay_reads;
  }

 private:
  std::unique_ptr<DrivenPeer> peer_;
};

}  // namespace

Source mesh_source() {
  return {.name = "mesh",
          .title = "tidegate, a message of the mesh",
          .heard = "replica",
          .behind_commit =
              [](const Places& places) { return std::make_unique<PositionSender>(places); },
          .listener = [](const Places& places) { return std::make_unique<GatedListener>(places); }};
}

}  // namespace tidegate::bench
