// MQTT with Mosquitto, at most once (QoS 0), in the single-threaded way of its library.
#include <chrono>
#include <fstream>
#include <stdexcept>

#include <mosquitto.h>

#include "bench/carrier.hpp"
#include "bench/carriers/loopback_server.hpp"
#include "bench/carriers/missing.hpp"
#include "bench/carriers/socket_ready.hpp"
#include "support/port.hpp"

namespace tidegate::bench {
namespace {

using namespace std::chrono_literals;

constexpr auto* topic = "bench";
constexpr int at_most_once = 0;
constexpr Duration longest_answer = 30s;
constexpr int keepalive = 3600;  // seconds: nobody has to say anything during a run

void check(int error) {
  if (error != MOSQ_ERR_SUCCESS) {
    throw std::runtime_error(std::string("mosquitto: ") + mosquitto_strerror(error));
  }
}

struct Free {
  void operator()(::mosquitto* client) const { mosquitto_destroy(client); }
};

class Client {
 public:
  explicit Client(const std::string& port) {
    static const int initialised = mosquitto_lib_init();
    check(initialised);
    client_.reset(mosquitto_new(nullptr, true, this));
    if (!client_) throw std::runtime_error("mosquitto: no memory");
    check(mosquitto_int_option(client_.get(), MOSQ_OPT_TCP_NODELAY, 1));
    mosquitto_connect_callback_set(client_.get(), [](::mosquitto*, void* self, int refusal) {
      static_cast<Client*>(self)->connected_ = refusal == 0;
    });
    mosquitto_subscribe_callback_set(client_.get(),
                                     [](::mosquitto*, void* self, int, int, const int*) {
                                       static_cast<Client*>(self)->subscribed_ = true;
                                     });
    mosquitto_message_callback_set(
        client_.get(), [](::mosquitto*, void* self, const mosquitto_message* message) {
          auto& client = *static_cast<Client*>(self);
          ++client.taken_;
          (*client.take_)({static_cast<const char*>(message->payload),
                           static_cast<std::size_t>(message->payloadlen)});
        });
    check(mosquitto_connect(client_.get(), "127.0.0.1", std::stoi(port), keepalive));
    wait_until(connected_);
  }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  ~Client() = default;

  void publish(std::string_view payload) {
    check(mosquitto_publish(client_.get(), nullptr, topic, static_cast<int>(payload.size()),
                            payload.data(), at_most_once, false));
    // It has been written, as far as the socket took it; the rest would pile up without end.
    while (mosquitto_want_write(client_.get())) {
      socket_ready(mosquitto_socket(client_.get()), POLLOUT, io::clock_now() + longest_answer);
      check(mosquitto_loop_write(client_.get(), 1));
    }
  }

  void subscribe() {
    check(mosquitto_subscribe(client_.get(), nullptr, topic, at_most_once));
    wait_until(subscribed_);
  }

  void receive(Instant until, const std::function<void(std::string_view)>& take) {
    take_ = &take;
    // A call reads one packet, or a part of it.
    for (taken_ = 0; taken_ == 0 && read_until(until);) {
      for (std::size_t before = 0; before < taken_;) {
        before = taken_;
        check(mosquitto_loop_read(client_.get(), 1));
      }
    }
  }

 private:
  bool read_until(Instant until) {
    if (!socket_ready(mosquitto_socket(client_.get()), POLLIN, until)) return false;
    check(mosquitto_loop_read(client_.get(), 1));
    return true;
  }

  void wait_until(const bool& answered) {
    const auto bound = io::clock_now() + longest_answer;
    while (!answered) {
      if (!read_until(bound)) throw std::runtime_error("mosquitto: the server does not answer");
    }
  }

  std::unique_ptr<::mosquitto, Free> client_;
  bool connected_ = false;
  bool subscribed_ = false;
  const std::function<void(std::string_view)>* take_ = nullptr;  // during receive()
  std::size_t taken_ = 0;
};

class MosquittoSender : public Sender {
 public:
  explicit MosquittoSender(const std::string& port) : client_(port) {}

  void send(std::string_view payload) override { client_.publish(payload); }

 private:
  Client client_;
};

class MosquittoReceiver : public Receiver {
 public:
  explicit MosquittoReceiver(const std::string& port) : client_(port) { client_.subscribe(); }

  void receive(Instant until, const std::function<void(std::string_view)>& take) override {
    client_.receive(until, take);
  }

 private:
  Client client_;
};

std::unique_ptr<Broker> start(const std::filesystem::path& directory) {
  const auto port = support::unused_port();
  // Its limits, beyond which it drops messages, are off. It would become a user of its own if we
  // are root, who can't read the directory.
  std::ofstream(directory / "conf") << "listener " << port << " 127.0.0.1\n"
                                    << "allow_anonymous true\n"
                                       "log_dest stderr\n"
                                       "max_inflight_messages 0\n"
                                       "max_queued_messages 0\n"
                                       "persistence false\n"
                                       "set_tcp_nodelay true\n"
                                       "user root\n";
  return std::make_unique<LoopbackServer>(
      directory,
      support::Command{.arguments = {find_program("mosquitto"), "-c", directory / "conf"}}, port);
}

}  // namespace

Carrier mosquitto() {
  return {.name = "mosquitto",
          .title = TIDEGATE_MOSQUITTO_TITLE,
          .missing = [] { return missing_program("mosquitto", "mosquitto"); },
          .start = start,
          .sender = [](const std::string& port) { return std::make_unique<MosquittoSender>(port); },
          .receiver =
              [](const std::string& port) { return std::make_unique<MosquittoReceiver>(port); }};
}

}  // namespace tidegate::bench
