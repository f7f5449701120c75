// A STOMP client as one that reads the outbox (doors/outbox_subscriptions.hpp): its session has the
// rows that wait, and tells what its client wants and has taken.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "command/doors/outbox_subscriptions.hpp"
#include "lib/stomp/session.hpp"

namespace tidegate::stomp_door {

class OutboxClient final : public doors::OutboxClient {
 public:
  // The session outlives it.
  explicit OutboxClient(stomp::Session& session) : session_(session) {}

  void answered(std::uint64_t tag) override { session_.answered(tag); }
  void refused(std::uint64_t tag, const std::string& why) override { session_.refused(tag, why); }
  void given_up(std::uint64_t tag) override { session_.given_up(tag); }
  void taken_over(const std::string& name, const std::string& why) override;
  [[nodiscard]] bool wants_rows(const std::string& name) const override {
    return session_.wants_rows(name);
  }
  void give(const std::string& name, Delivery row) override;
  void give(const std::string& name, Ticket ticket, const OutboxLost& lost) override;

 private:
  stomp::Session& session_;
};

// An effect of the session of that client.
void carry_out(const stomp::OutboxEffect& effect, const std::shared_ptr<OutboxClient>& client,
               doors::OutboxSubscriptions& outboxes);

}  // namespace tidegate::stomp_door
