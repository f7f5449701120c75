// PUB/SUB of libzmq as it is: the floor that a mesh over it can reach.
//
// The publisher is an XPUB, to see the subscriptions come, and waits for the slowest subscriber
// (XPUB_NODROP) where a PUB would drop messages of a flood.
#include <stdexcept>

#include <zmq.hpp>

#include "bench/carrier.hpp"
#include "peer/io/clock.hpp"
#include "support/port.hpp"

namespace tidegate::bench {
namespace {

using namespace std::chrono_literals;

// The number of a port that nobody uses makes a name of its own for a Unix socket as well.
class Endpoint : public Broker {
 public:
  explicit Endpoint(const std::string& prefix)
      : address_(prefix + std::to_string(support::unused_port())) {}

  [[nodiscard]] std::string address() const override { return address_; }

 private:
  std::string address_;
};

std::chrono::milliseconds until(Instant end) {
  return std::max(0ms, std::chrono::ceil<std::chrono::milliseconds>(end - io::clock_now()));
}

class XpubSender : public Sender {
 public:
  explicit XpubSender(const std::string& address) {
    socket_.set(zmq::sockopt::linger, 0);
    socket_.set(zmq::sockopt::xpub_nodrop, true);
    socket_.set(zmq::sockopt::xpub_verboser, true);
    socket_.bind(address);
  }

  void wait_for(std::size_t receivers, Duration bound) override {
    const auto end = io::clock_now() + bound;
    for (std::size_t subscribed = 0; subscribed < receivers; ++subscribed) {
      zmq::pollitem_t item{socket_.handle(), 0, ZMQ_POLLIN, 0};
      zmq::message_t word;
      if (zmq::poll(&item, 1, until(end)) == 0 || !socket_.recv(word)) {
        throw std::runtime_error("the receivers have not subscribed");
      }
    }
  }

  void send(std::string_view payload) override {
    socket_.send(zmq::buffer(payload), zmq::send_flags::none);
  }

 private:
  zmq::context_t context_;
  zmq::socket_t socket_{context_, zmq::socket_type::xpub};
};

class SubReceiver : public Receiver {
 public:
  explicit SubReceiver(const std::string& address) {
    socket_.set(zmq::sockopt::linger, 0);
    socket_.set(zmq::sockopt::reconnect_ivl, 20);  // ms; the publisher may come later
    socket_.set(zmq::sockopt::subscribe, "");
    socket_.connect(address);
  }

  void receive(Instant end, const std::function<void(std::string_view)>& take) override {
    zmq::message_t message;
    while (socket_.recv(message, zmq::recv_flags::dontwait)) take(message.to_string_view());
    zmq::pollitem_t item{socket_.handle(), 0, ZMQ_POLLIN, 0};
    if (zmq::poll(&item, 1, until(end)) == 0) return;
    while (socket_.recv(message, zmq::recv_flags::dontwait)) take(message.to_string_view());
  }

 private:
  zmq::context_t context_;
  zmq::socket_t socket_{context_, zmq::socket_type::sub};
};

}  // namespace

Carrier libzmq() {
  return {
      .name = "libzmq",
      .title = "libzmq PUB/SUB",
      .missing = [] { return std::string(); },
      .start =
          [](const std::filesystem::path&) {
            return std::make_unique<Endpoint>("tcp://127.0.0.1:");
          },
      .start_ipc = [] { return std::make_unique<Endpoint>("ipc://@tidegate-bench-"); },
      .sender = [](const std::string& address) { return std::make_unique<XpubSender>(address); },
      .receiver =
          [](const std::string& address) { return std::make_unique<SubReceiver>(address); }};
}

}  // namespace tidegate::bench
