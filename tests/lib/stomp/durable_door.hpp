// Durable subscriptions with clients in virtual time, and the file of the peer, which may be killed
// at any moment.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "lib/stomp/durable_subscriptions.hpp"
#include "tests/lib/stomp/stomp_client.hpp"

namespace tidegate::testing {

class DurableDoor {
 public:
  explicit DurableDoor(stomp::DurableBounds bounds = {}) : bounds_(bounds) { start(); }

  // The client of a new connection, which has subscribed under the name "mails".
  std::unique_ptr<StompClient> subscribed(const std::string& destination = "a/#",
                                          const std::string& ack = "client-individual") {
    auto client = connected();
    client->send("SUBSCRIBE", {{"id", "s"},
                               {"destination", destination},
                               {"ack", ack},
                               {"durable-subscription-name", "mails"}});
    write();
    return client;
  }
  std::unique_ptr<StompClient> connected(const std::string& version = "1.2") {
    stomp::SessionOptions options{.name = std::to_string(++connections_), .server = "s"};
    options.durable = subscriptions.get();
    auto client = std::make_unique<StompClient>(options);
    client->connect(version);
    return client;
  }

  // Messages to "a/x" whose payload is their number.
  void deliver(std::uint64_t first, std::uint64_t last, bool earlier = false,
               const std::string& topic = "a/x") const {
    for (auto sequence = first; sequence <= last; ++sequence) {
      auto delivery = *stomp_delivery(topic, sequence, std::to_string(sequence));
      delivery.earlier = earlier;
      subscriptions->deliver(std::make_shared<const Delivery>(delivery));
    }
  }

  void write() {
    if (subscriptions->changed()) {
      (void)subscriptions->take_journal();
      file = subscriptions->snapshot();
      subscriptions->written();
    } else {
      file += subscriptions->take_journal();
    }
  }
  // All that was not written is gone.
  void kill() { start(); }

  // Where the peer would resume the stream of the messages above.
  [[nodiscard]] std::uint64_t resumes_at() const {
    const auto cursors = subscriptions->resume();
    REQUIRE(cursors.size() == 1);
    return cursors[0].next;
  }

  std::string file;
  std::unique_ptr<stomp::DurableSubscriptions> subscriptions;

 private:
  static std::string why(const stomp::Loss& loss) {
    switch (loss.kind) {
      case stomp::Loss::Kind::dropped:
        return "queue_full";
      case stomp::Loss::Kind::ended:
        return "ended";
      case stomp::Loss::Kind::behind:
        return "behind";
      case stomp::Loss::Kind::undelivered:
      case stomp::Loss::Kind::outbox:
        break;
    }
    if (loss.why == Undelivered::Why::expired) return "expired";
    return loss.why == Undelivered::Why::orphaned ? "orphaned" : "missing";
  }

  void start() {
    const auto image = stomp::read_durable(file);
    REQUIRE(image.ok());
    subscriptions = std::make_unique<stomp::DurableSubscriptions>(
        *image,
        [](const stomp::Loss& loss) {
          return std::to_string(loss.first) + "-" + std::to_string(loss.last) + " " + why(loss);
        },
        bounds_);
  }

  stomp::DurableBounds bounds_;
  int connections_ = 0;
};

// "1 2 3r [4-9 expired]": the MESSAGEs that have come, those marked that came before.
[[nodiscard]] inline std::string hear_text(StompClient& client) {
  std::string text;
  for (const auto& frame : client.hear()) {
    const bool notice = frame.find("notice") != nullptr;
    CHECK(frame.command == "MESSAGE");
    text += (text.empty() ? "" : " ") + (notice ? "[" + frame.body + "]" : frame.body) +
            (frame.find("redelivered") != nullptr ? "r" : "");
  }
  return text;
}

inline void acknowledge(StompClient& client, std::uint64_t first, std::uint64_t last) {
  for (; first <= last; ++first) client.send("ACK", {{"id", std::to_string(first)}});
}

}  // namespace tidegate::testing
