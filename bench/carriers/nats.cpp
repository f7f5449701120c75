// NATS, with the socket driven by us through the interface for event loops: the library's own
// reading thread costs each message a hop to whoever waits for it, and its writing thread gathers
// for a millisecond. Its only flush that writes at once waits for the server's answer as well.
#include <atomic>
#include <chrono>
#include <fstream>
#include <stdexcept>

#include <nats/nats.h>

#include "bench/carrier.hpp"
#include "bench/carriers/loopback_server.hpp"
#include "bench/carriers/missing.hpp"
#include "bench/carriers/socket_ready.hpp"
#include "support/port.hpp"

namespace tidegate::bench {
namespace {

using namespace std::chrono_literals;

constexpr auto* subject = "bench";
constexpr Duration longest_answer = 30s;

void check(natsStatus status) {
  if (status != NATS_OK)
    throw std::runtime_error(std::string("nats: ") + natsStatus_GetText(status));
}

struct Free {
  void operator()(natsOptions* options) const { natsOptions_Destroy(options); }
  void operator()(natsConnection* connection) const { natsConnection_Destroy(connection); }
  void operator()(natsSubscription* subscription) const { natsSubscription_Destroy(subscription); }
  void operator()(natsMsg* message) const { natsMsg_Destroy(message); }
};

template <typename Thing>
using Owned = std::unique_ptr<Thing, Free>;

class Connection {
 public:
  explicit Connection(const std::string& port) {
    natsOptions* made = nullptr;
    check(natsOptions_Create(&made));
    const Owned<natsOptions> options(made);
    check(natsOptions_SetURL(made, ("nats://127.0.0.1:" + port).c_str()));
    check(natsOptions_SetAllowReconnect(made, false));
    // Makes each publish ask for a write, in place of the writing thread.
    check(natsOptions_SetSendAsap(made, true));
    check(natsOptions_SetEventLoop(made, this, attach, poll_reads, poll_writes, detach));
    natsConnection* connection = nullptr;
    check(natsConnection_Connect(&connection, made));
    connection_.reset(connection);
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection() = default;

  void publish(const char* to, std::string_view payload) {
    check(natsConnection_Publish(connection_.get(), to, payload.data(),
                                 static_cast<int>(payload.size())));
  }

  Owned<natsSubscription> subscribe(const char* to) {
    natsSubscription* subscription = nullptr;
    check(natsConnection_SubscribeSync(&subscription, connection_.get(), to));
    Owned<natsSubscription> result(subscription);
    check(natsSubscription_SetPendingLimits(subscription, -1, -1));
    return result;
  }

  void write_all() {
    while (wants_write_) {
      natsConnection_ProcessWriteEvent(connection_.get());
      if (wants_write_) socket_ready(socket_, POLLOUT, io::clock_now() + longest_answer);
    }
  }

  bool read_until(Instant until) {
    if (!socket_ready(socket_, POLLIN, until)) return false;
    natsConnection_ProcessReadEvent(connection_.get());
    if (natsConnection_IsClosed(connection_.get())) check(NATS_CONNECTION_CLOSED);
    return true;
  }

 private:
  static natsStatus attach(void** user, void* loop, natsConnection*, natsSock socket) {
    *user = loop;
    static_cast<Connection*>(loop)->socket_ = socket;
    return NATS_OK;
  }
  static natsStatus poll_reads(void*, bool) { return NATS_OK; }
  static natsStatus poll_writes(void* user, bool add) {
    static_cast<Connection*>(user)->wants_write_ = add;
    return NATS_OK;
  }
  static natsStatus detach(void* user) { return poll_writes(user, false); }

  int socket_ = -1;
  std::atomic<bool> wants_write_ = false;  // the library still has its writing thread
  Owned<natsConnection> connection_;
};

// nullptr: none has been read.
Owned<natsMsg> next(natsSubscription& subscription) {
  natsMsg* message = nullptr;
  const auto status = natsSubscription_NextMsg(&message, &subscription, 0);
  if (status != NATS_TIMEOUT) check(status);
  return Owned<natsMsg>(message);
}

class NatsSender : public Sender {
 public:
  explicit NatsSender(const std::string& port) : connection_(port) {}

  void send(std::string_view payload) override { connection_.publish(subject, payload); }

  void flush() override {
    connection_.write_all();
    connection_.read_until(io::clock_now());  // pings
  }

 private:
  Connection connection_;
};

class NatsReceiver : public Receiver {
 public:
  explicit NatsReceiver(const std::string& port)
      : connection_(port), subscription_(connection_.subscribe(subject)) {
    // The server handles what we say in order: once it sends back a message of ours, it knows the
    // subscription. The library's own way would wait for a thread that reads.
    const auto echo = connection_.subscribe("echo");
    connection_.publish("echo", "");
    connection_.write_all();
    for (const auto bound = io::clock_now() + longest_answer; !next(*echo);) {
      if (!connection_.read_until(bound)) check(NATS_TIMEOUT);
    }
  }

  void receive(Instant until, const std::function<void(std::string_view)>& take) override {
    // Some may have come with the answer to the subscription.
    bool taken = false;
    do {
      while (const auto message = next(*subscription_)) {
        take({natsMsg_GetData(message.get()),
              static_cast<std::size_t>(natsMsg_GetDataLength(message.get()))});
        taken = true;
      }
    } while (!taken && connection_.read_until(until));
  }

 private:
  Connection connection_;
  Owned<natsSubscription> subscription_;
};

std::unique_ptr<Broker> start(const std::filesystem::path& directory) {
  const auto port = support::unused_port();
  // A slow subscriber is not cut off: otherwise a flood would lose messages.
  std::ofstream(directory / "conf") << "max_pending: 1GB\nwrite_deadline: \"60s\"\n";
  return std::make_unique<LoopbackServer>(
      directory,
      support::Command{.arguments = {find_program("nats-server"), "--addr", "127.0.0.1", "--port",
                                     std::to_string(port), "--config", directory / "conf"}},
      port);
}

}  // namespace

Carrier nats() {
  return {.name = "nats",
          .title = TIDEGATE_NATS_TITLE,
          .missing = [] { return missing_program("nats-server", "nats-server"); },
          .start = start,
          .sender = [](const std::string& port) { return std::make_unique<NatsSender>(port); },
          .receiver = [](const std::string& port) { return std::make_unique<NatsReceiver>(port); }};
}

}  // namespace tidegate::bench
