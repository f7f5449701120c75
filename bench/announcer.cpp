#include "bench/announcer.hpp"

#include <chrono>

#include "bench/stamp.hpp"

namespace tidegate::bench {
namespace {

constexpr Duration longest_wait = std::chrono::seconds(30);

// A carrier's message, which knows nothing of the database.
class CarrierListener : public Listener {
 public:
  CarrierListener(const std::string& carrier, const std::string& address)
      : receiver_(find_carrier(carrier)->receiver(address)) {}

  void receive(Instant until, const TakeAnnouncement& take) override {
    receiver_->receive(until, [&](std::string_view payload) {
      if (const auto stamp = read_stamp(payload)) take({.number = stamp->number});
    });
  }

 private:
  std::unique_ptr<Receiver> receiver_;
};

// Of a source that does nothing behind its COMMIT.
class NoSender : public Sender {
 public:
  void send(std::string_view) override {}
};

}  // namespace

std::unique_ptr<Listener> listen(const std::string& announcer, const Places& places) {
  if (const auto* source = find_source(announcer)) return source->listener(places);
  return std::make_unique<CarrierListener>(announcer, places.mesh);
}

std::unique_ptr<Sender> make_sender(const std::string& announcer, const Places& places) {
  if (const auto* source = find_source(announcer); source != nullptr || announcer.empty()) {
    if (source == nullptr || !source->behind_commit) return std::make_unique<NoSender>();
    auto sender = source->behind_commit(places);
    sender->wait_for(1, longest_wait);
    return sender;
  }
  auto sender = find_carrier(announcer)->sender(places.mesh);
  sender->wait_for(1, longest_wait);
  return sender;
}

}  // namespace tidegate::bench
