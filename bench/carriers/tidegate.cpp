// tidegate without a database, so without the gate: what carrying alone costs. Once with the loop
// driven by the application, once with the peer's own thread, once driven and with a key, where
// every byte is encrypted, and once driven and over the connections alone.
#include <stdexcept>
#include <string>
#include <utility>

#include "bench/carrier.hpp"
#include "bench/member.hpp"
#include "bench/sleep.hpp"

namespace tidegate::bench {
namespace {

using namespace std::chrono_literals;

// Of everybody who reads this: what it protects is over in a second.
constexpr const char* bench_key = "tidegate-key-1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh_LL1Fg";

class Meeting : public Broker {
 public:
  explicit Meeting(LocalTransport transport) : address_(mesh_address(transport)) {}

  [[nodiscard]] std::string address() const override { return address_; }

 private:
  std::string address_;
};

void rest_for(Peer&, std::chrono::milliseconds pause) { sleep_until(io::clock_now() + pause); }
void rest_for(DrivenPeer& peer, std::chrono::milliseconds pause) { peer.run_once(pause); }

template <typename SomePeer>
class PeerSender : public Sender {
 public:
  PeerSender(const std::string& address, const Options& options)
      : peer_(start_member<SomePeer>(address, options)) {}

  void wait_for(std::size_t receivers, Duration bound) override {
    if (!peer_->wait_ready(receivers, std::chrono::ceil<std::chrono::milliseconds>(bound))) {
      throw std::runtime_error("the receivers are not ready");
    }
  }

  void send(std::string_view payload) override {
    while (peer_->publish(topic_, std::string(payload)) == Publish::queue_full) {
      rest_for(*peer_, 1ms);
    }
  }

  void flush() override { rest_for(*peer_, 0ms); }

  void rest(Instant until) override {
    // A pause is counted in whole milliseconds.
    for (auto left = until - io::clock_now(); left > 2ms; left = until - io::clock_now()) {
      rest_for(*peer_, std::chrono::floor<std::chrono::milliseconds>(left) - 1ms);
    }
    sleep_until(until);
  }

 private:
  std::unique_ptr<SomePeer> peer_;
  Topic topic_ = Topic::parse("bench/fanout").value();
};

template <typename SomePeer>
class PeerReceiver : public Receiver {
 public:
  PeerReceiver(const std::string& address, const Options& options)
      : peer_(start_member<SomePeer>(address, options)) {
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
  std::unique_ptr<SomePeer> peer_;
};

template <typename SomePeer>
Carrier tidegate(const std::string& name, const std::string& title, const Options& options = {}) {
  return {.name = name,
          .title = title,
          .missing = [] { return std::string(); },
          .start =
              [](const std::filesystem::path&) {
                return std::make_unique<Meeting>(LocalTransport::tcp);
              },
          .start_ipc = [] { return std::make_unique<Meeting>(LocalTransport::ipc); },
          .sender =
              [options](const std::string& address) {
                return std::make_unique<PeerSender<SomePeer>>(address, options);
              },
          .receiver =
              [options](const std::string& address) {
                return std::make_unique<PeerReceiver<SomePeer>>(address, options);
              }};
}

}  // namespace

Carrier tidegate_caller() { return tidegate<DrivenPeer>("tidegate", "tidegate"); }
Carrier tidegate_thread() { return tidegate<Peer>("tidegate-thread", "tidegate, own thread"); }
Carrier tidegate_connections() {
  return tidegate<DrivenPeer>("tidegate-connections", "tidegate, no datagrams",
                              {.datagrams = false});
}
Carrier tidegate_key() {
  return tidegate<DrivenPeer>("tidegate-key", "tidegate, with a key", {.keys = bench_key});
}

}  // namespace tidegate::bench
