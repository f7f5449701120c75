// Redis, PUBLISH and SUBSCRIBE. Publishing is pipelined: nobody waits for an answer, which only
// counts the subscribers, but a flood may not run away from the server either.
#include <stdexcept>

#include <hiredis/hiredis.h>

#include "bench/carrier.hpp"
#include "bench/carriers/loopback_server.hpp"
#include "bench/carriers/missing.hpp"
#include "bench/carriers/socket_ready.hpp"
#include "support/port.hpp"

namespace tidegate::bench {
namespace {

constexpr std::size_t most_unanswered = 10'000;

struct Free {
  void operator()(redisContext* context) const { redisFree(context); }
  void operator()(redisReply* reply) const { freeReplyObject(reply); }
};
using Reply = std::unique_ptr<redisReply, Free>;

class Connection {
 public:
  explicit Connection(const std::string& port)
      : context_(redisConnect("127.0.0.1", std::stoi(port))) {
    if (!context_ || context_->err != 0) fail();
  }

  [[nodiscard]] redisContext* context() const { return context_.get(); }

  // Waits for it.
  [[nodiscard]] Reply reply() const { return next(redisGetReply); }
  // nullptr: none has been read.
  [[nodiscard]] Reply reply_at_hand() const { return next(redisGetReplyFromReader); }

  bool read_until(Instant until) {
    if (!socket_ready(context_->fd, POLLIN, until)) return false;
    if (redisBufferRead(context()) != REDIS_OK) fail();
    return true;
  }

  [[noreturn]] void fail() const {
    throw std::runtime_error(std::string("redis: ") + (context_ ? context_->errstr : "no memory"));
  }

 private:
  Reply next(int (*get)(redisContext*, void**)) const {
    void* got = nullptr;
    if (get(context(), &got) != REDIS_OK) fail();
    Reply reply(static_cast<redisReply*>(got));
    if (reply && reply->type == REDIS_REPLY_ERROR) {
      throw std::runtime_error(std::string("redis: ") + reply->str);
    }
    return reply;
  }

  std::unique_ptr<redisContext, Free> context_;
};

class RedisSender : public Sender {
 public:
  explicit RedisSender(const std::string& port) : connection_(port) {}

  void send(std::string_view payload) override {
    if (redisAppendCommand(connection_.context(), "PUBLISH bench %b", payload.data(),
                           payload.size()) != REDIS_OK) {
      connection_.fail();
    }
    for (++unanswered_; unanswered_ > most_unanswered; --unanswered_) {
      static_cast<void>(connection_.reply());
    }
  }

  void flush() override {
    for (int done = 0; done == 0;) {
      if (redisBufferWrite(connection_.context(), &done) != REDIS_OK) connection_.fail();
    }
    while (unanswered_ > 0 && connection_.read_until(io::clock_now())) {
      while (connection_.reply_at_hand()) --unanswered_;
    }
  }

 private:
  Connection connection_;
  std::size_t unanswered_ = 0;
};

class RedisReceiver : public Receiver {
 public:
  explicit RedisReceiver(const std::string& port) : connection_(port) {
    if (redisAppendCommand(connection_.context(), "SUBSCRIBE bench") != REDIS_OK) {
      connection_.fail();
    }
    static_cast<void>(connection_.reply());
  }

  void receive(Instant until, const std::function<void(std::string_view)>& take) override {
    // Some may have come with the answer to the subscription.
    bool taken = false;
    do {
      while (const auto reply = connection_.reply_at_hand()) {
        const auto& payload = *reply->element[2];  // after "message" and the channel
        take({payload.str, payload.len});
        taken = true;
      }
    } while (!taken && connection_.read_until(until));
  }

 private:
  Connection connection_;
};

std::unique_ptr<Broker> start(const std::filesystem::path& directory) {
  const auto port = support::unused_port();
  // Subscribers may fall behind as far as they like: we count what is lost, not who is cut off.
  return std::make_unique<LoopbackServer>(
      directory,
      support::Command{.arguments = {find_program("redis-server"), "--bind", "127.0.0.1", "--port",
                                     std::to_string(port), "--save", "", "--appendonly", "no",
                                     "--client-output-buffer-limit", "pubsub 0 0 0"}},
      port);
}

}  // namespace

Carrier redis() {
  return {
      .name = "redis",
      .title = TIDEGATE_REDIS_TITLE,
      .missing = [] { return missing_program("redis-server", "redis-server"); },
      .start = start,
      .sender = [](const std::string& port) { return std::make_unique<RedisSender>(port); },
      .receiver = [](const std::string& port) { return std::make_unique<RedisReceiver>(port); }};
}

}  // namespace tidegate::bench
