// tidegate without a database, so without the gate: what carrying alone costs. Once with the loop
// driven by the application, once with the peer's own thread, where each message takes a hop more.
#include <stdexcept>
#include <string>
#include <utility>

#include "bench/carrier.hpp"
#include "bench/member.hpp"
#include "bench/sleep.hpp"

namespace tidegate::bench {
namespace {

using namespace std::chrono_literals;

class Meeting : public Broker {
 public:
  explicit Meeting(LocalTransport transport) : address_(mesh_address(transport)) {}

  [[nodiscard]] std::string address() const override { return address_; }

 private:
  std::string address_;
};

class PeerSender : public Sender {
 public:
  PeerSender(const std::string& address, Drive drive)
      : peer_(start_member(address, drive)), drive_(drive) {}

  void wait_for(std::size_t receivers, Duration bound) override {
    if (!peer_->wait_ready(receivers, std::chrono::ceil<std::chrono::milliseconds>(bound))) {
      throw std::runtime_error("the receivers are not ready");
    }
  }

  void send(std::string_view payload) override {
    while (peer_->publish(topic_, std::string(payload)) == Publish::outbox_full) turn(1ms);
  }

  void flush() override { turn(0ms); }

  void rest(Instant until) override {
    // A pause of run_once is counted in whole milliseconds.
    for (auto left = until - io::clock_now(); drive_ == Drive::caller && left > 2ms;
         left = until - io::clock_now()) {
      peer_->run_once(std::chrono::floor<std::chrono::milliseconds>(left) - 1ms);
    }
    sleep_until(until);
  }

 private:
  void turn(std::chrono::milliseconds timeout) {
    if (drive_ == Drive::caller) {
      peer_->run_once(timeout);
    } else if (timeout > 0ms) {
      sleep_until(io::clock_now() + timeout);
    }
  }

  std::unique_ptr<Peer> peer_;
  Drive drive_;
  Topic topic_ = Topic::parse("bench/fanout").value();
};

class PeerReceiver : public Receiver {
 public:
  PeerReceiver(const std::string& address, Drive drive) : peer_(start_member(address, drive)) {
    peer_->subscribe(Pattern::all());
  }

  void receive(Instant until, const std::function<void(std::string_view)>& take) override {
    auto incoming = peer_->next(
        std::max(0ms, std::chrono::ceil<std::chrono::milliseconds>(until - io::clock_now())));
    for (; incoming; incoming = peer_->next(0ms)) {
      if (const auto* delivery = std::get_if<Delivery>(&*incoming)) take(delivery->message.payload);
    }
  }

 private:
  std::unique_ptr<Peer> peer_;
};

Carrier tidegate(std::string name, std::string title, Drive drive) {
  return {.name = std::move(name),
          .title = std::move(title),
          .missing = [] { return std::string(); },
          .start =
              [](const std::filesystem::path&) {
                return std::make_unique<Meeting>(LocalTransport::tcp);
              },
          .start_ipc = [] { return std::make_unique<Meeting>(LocalTransport::ipc); },
          .sender =
              [drive](const std::string& address) {
                return std::make_unique<PeerSender>(address, drive);
              },
          .receiver =
              [drive](const std::string& address) {
                return std::make_unique<PeerReceiver>(address, drive);
              }};
}

}  // namespace

Carrier tidegate_caller() { return tidegate("tidegate", "tidegate", Drive::caller); }
Carrier tidegate_thread() {
  return tidegate("tidegate-thread", "tidegate, own thread", Drive::own_thread);
}

}  // namespace tidegate::bench
