// RabbitMQ: a fanout exchange and a queue for each receiver, with messages that are neither kept
// on disk nor acknowledged.
//
// Its server needs a name server for Erlang nodes beside it, epmd, which it would start by itself,
// as a daemon that stays; so we start one first, for this server alone.
#include <chrono>
#include <fstream>
#include <stdexcept>

#include <amqp.h>
#include <amqp_tcp_socket.h>
#include <unistd.h>

#include "bench/carrier.hpp"
#include "bench/carriers/loopback_server.hpp"
#include "bench/carriers/missing.hpp"
#include "peer/io/clock.hpp"
#include "support/port.hpp"
#include "support/temporary_directory.hpp"

namespace tidegate::bench {
namespace {

using namespace std::chrono_literals;

// The one in the PATH insists on root, to become another user; this does what it would.
constexpr auto* program = "/usr/lib/rabbitmq/bin/rabbitmq-server";
constexpr amqp_channel_t channel = 1;
constexpr int largest_frame = 131'072;  // bytes, as the library suggests

const auto exchange = amqp_cstring_bytes("bench");

void check(int status) {
  if (status != AMQP_STATUS_OK) {
    throw std::runtime_error(std::string("rabbitmq: ") + amqp_error_string2(status));
  }
}

void check(const amqp_rpc_reply_t& reply) {
  if (reply.reply_type == AMQP_RESPONSE_LIBRARY_EXCEPTION) check(reply.library_error);
  if (reply.reply_type != AMQP_RESPONSE_NORMAL) {
    throw std::runtime_error("rabbitmq: the server has refused what it was asked");
  }
}

struct Destroy {
  void operator()(amqp_connection_state_t connection) const { amqp_destroy_connection(connection); }
};

// With the exchange, which the first one makes.
class Connection {
 public:
  explicit Connection(const std::string& port) {
    auto* socket = amqp_tcp_socket_new(get());
    if (socket == nullptr) throw std::runtime_error("rabbitmq: no memory");
    check(amqp_socket_open(socket, "127.0.0.1", std::stoi(port)));
    check(amqp_login(get(), "/", 1, largest_frame, 0, AMQP_SASL_METHOD_PLAIN, "guest", "guest"));
    amqp_channel_open(get(), channel);
    check_last();
    amqp_exchange_declare(get(), channel, exchange, amqp_cstring_bytes("fanout"), 0, 0, 0, 0,
                          amqp_empty_table);
    check_last();
  }

  [[nodiscard]] amqp_connection_state_t get() const { return connection_.get(); }
  void check_last() const { check(amqp_get_rpc_reply(get())); }

 private:
  std::unique_ptr<amqp_connection_state_t_, Destroy> connection_{amqp_new_connection()};
};

class RabbitSender : public Sender {
 public:
  explicit RabbitSender(const std::string& port) : connection_(port) {}

  void send(std::string_view payload) override {
    const amqp_bytes_t body{payload.size(), const_cast<char*>(payload.data())};
    check(amqp_basic_publish(connection_.get(), channel, exchange, amqp_empty_bytes, 0, 0, nullptr,
                             body));
  }

 private:
  Connection connection_;
};

class RabbitReceiver : public Receiver {
 public:
  explicit RabbitReceiver(const std::string& port) : connection_(port) {
    const auto* declared = amqp_queue_declare(connection_.get(), channel, amqp_empty_bytes, 0, 0, 1,
                                              1, amqp_empty_table);
    connection_.check_last();
    const auto queue = declared->queue;  // until the connection's buffers are released
    amqp_queue_bind(connection_.get(), channel, queue, exchange, amqp_empty_bytes,
                    amqp_empty_table);
    connection_.check_last();
    amqp_basic_consume(connection_.get(), channel, queue, amqp_empty_bytes, 0, 1, 1,
                       amqp_empty_table);
    connection_.check_last();
  }

  void receive(Instant until, const std::function<void(std::string_view)>& take) override {
    const auto left =
        std::max(0us, std::chrono::ceil<std::chrono::microseconds>(until - io::clock_now()));
    timeval timeout{left.count() / 1'000'000, left.count() % 1'000'000};
    while (take_one(timeout, take)) timeout = {};
  }

 private:
  bool take_one(timeval timeout, const std::function<void(std::string_view)>& take) {
    amqp_maybe_release_buffers(connection_.get());
    amqp_envelope_t envelope;
    const auto reply = amqp_consume_message(connection_.get(), &envelope, &timeout, 0);
    if (reply.reply_type == AMQP_RESPONSE_LIBRARY_EXCEPTION &&
        reply.library_error == AMQP_STATUS_TIMEOUT) {
      return false;
    }
    check(reply);
    const auto& body = envelope.message.body;
    take({static_cast<const char*>(body.bytes), body.len});
    amqp_destroy_envelope(&envelope);
    return true;
  }

  Connection connection_;
};

std::string user() { return ::geteuid() == 0 ? "rabbitmq" : ""; }

class RabbitServer : public Broker {
 public:
  explicit RabbitServer(const std::filesystem::path& directory)
      : epmd_({.arguments = {find_program("epmd")}, .environment = names(), .user = user()}),
        server_(directory, command(directory), port_) {}

  [[nodiscard]] std::string address() const override { return server_.address(); }

 private:
  [[nodiscard]] std::map<std::string, std::string> names() const {
    return {{"ERL_EPMD_ADDRESS", "127.0.0.1"}, {"ERL_EPMD_PORT", std::to_string(names_port_)}};
  }

  [[nodiscard]] support::Command command(const std::filesystem::path& directory) const {
    support::give_to(directory, user());
    std::ofstream(directory / "conf") << "listeners.tcp.1 = 127.0.0.1:" << port_ << "\n";
    auto environment = names();
    environment.insert({
        {"HOME", directory},
        {"RABBITMQ_ADVANCED_CONFIG_FILE", directory / "advanced.config"},
        {"RABBITMQ_CONFIG_FILE", directory / "conf"},
        {"RABBITMQ_CONF_ENV_FILE", directory / "env"},
        {"RABBITMQ_DIST_PORT", std::to_string(nodes_port_)},
        {"RABBITMQ_ENABLED_PLUGINS_FILE", directory / "plugins"},
        {"RABBITMQ_GENERATED_CONFIG_DIR", directory / "generated"},
        {"RABBITMQ_LOGS", "-"},
        {"RABBITMQ_LOG_BASE", directory},
        {"RABBITMQ_MNESIA_BASE", directory / "mnesia"},
        {"RABBITMQ_NODENAME", "tidegate-bench-" + std::to_string(port_) + "@localhost"},
        {"RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", "-kernel inet_dist_use_interface {127,0,0,1}"},
        // Without a shell between it and us, who kill it.
        {"RUNNING_UNDER_SYSTEMD", "true"},
    });
    return {.arguments = {program}, .environment = environment, .user = user()};
  }

  std::uint16_t port_ = support::unused_port();
  std::uint16_t nodes_port_ = support::unused_port();
  std::uint16_t names_port_ = support::unused_port();
  support::Process epmd_;
  LoopbackServer server_;
};

std::string missing() {
  if (::access(program, X_OK) == 0) return "";
  return "rabbitmq-server is not installed (apt-get install rabbitmq-server)";
}

}  // namespace

Carrier rabbitmq() {
  return {
      .name = "rabbitmq",
      .title = TIDEGATE_RABBITMQ_TITLE,
      .missing = missing,
      .start =
          [](const std::filesystem::path& directory) {
            return std::make_unique<RabbitServer>(directory);
          },
      .sender = [](const std::string& port) { return std::make_unique<RabbitSender>(port); },
      .receiver = [](const std::string& port) { return std::make_unique<RabbitReceiver>(port); }};
}

}  // namespace tidegate::bench
