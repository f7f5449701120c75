// The door of a program beside the peer: JSON lines on standard input are published, deliveries and
// notices are lines on standard output (json.hpp).
//
// Messages that are written before the first other peer was met would go to nobody: they wait for
// that, a moment (command/settle.hpp). The end of the input is the end of the session.
#pragma once

#include <cstddef>
#include <memory>

#include "command/doors/door.hpp"
#include "command/doors/json_lines/outbox_lines.hpp"
#include "command/doors/json_lines/output.hpp"
#include "command/doors/json_lines/publish_input.hpp"
#include "command/doors/orders.hpp"
#include "command/doors/outbox_subscriptions.hpp"
#include "command/doors/subscriptions.hpp"
#include "command/settle.hpp"
#include "peer/io/reactor.hpp"
#include "tidegate/peer.hpp"
#include "tidegate/time.hpp"

namespace tidegate::json_lines {

class JsonDoor final : public doors::Door {
 public:
  // Delivers what its subscriptions match.
  JsonDoor(io::Reactor& reactor, DrivenPeer& peer, doors::Subscriptions& subscriptions,
           doors::OutboxSubscriptions& outboxes, doors::Orders& orders, int input, int output,
           std::size_t payload_bytes);

  void handle(const Incoming& incoming) override;
  void peer_has_turned() override;
  [[nodiscard]] bool full() const override { return output_.full(); }
  [[nodiscard]] bool finished() const override {
    return output_.closed() || input_.closed_by_writer();
  }

  // No more is read than what was written by now.
  void finish_input();
  // All that was written was handed to the peer, or refused.
  [[nodiscard]] bool drained() const { return input_.drained() || output_.closed(); }

  [[nodiscard]] bool output_closed() const { return output_.closed(); }
  // Why the output could not be written; empty: its reader has gone.
  [[nodiscard]] const std::string& failure() const { return output_.failure(); }
  void peer_leaves() override;
  [[nodiscard]] bool pending() const override { return output_.pending(); }

 private:
  void pump();
  void watch_input();
  void look_around();

  io::Reactor& reactor_;
  DrivenPeer& peer_;
  doors::Subscriptions& subscriptions_;
  doors::Orders& orders_;
  Output output_;
  std::shared_ptr<OutboxLines> outbox_;
  PublishInput input_;
  io::Reactor::Watch input_watch_;   // while input is wanted
  io::Reactor::Watch hangup_watch_;  // while it is not
  command::Settling settling_{std::nullopt};
  io::Reactor::Timer settles_;
  Instant settles_by_;
  bool leaving_ = false;
};

}  // namespace tidegate::json_lines
