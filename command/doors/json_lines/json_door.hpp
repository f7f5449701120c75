// The door of a program beside the peer: JSON lines on standard input are published, deliveries and
// notices are lines on standard output (json.hpp).
#pragma once

#include <cstddef>

#include "command/doors/door.hpp"
#include "command/doors/json_lines/output.hpp"
#include "command/doors/json_lines/publish_input.hpp"
#include "command/doors/orders.hpp"
#include "peer/io/reactor.hpp"
#include "tidegate/peer.hpp"

namespace tidegate::json_lines {

class JsonDoor final : public doors::Door {
 public:
  JsonDoor(io::Reactor& reactor, DrivenPeer& peer, doors::Orders& orders, int input, int output,
           std::size_t payload_bytes);

  void handle(const Incoming& incoming) override;
  void peer_has_turned() override;
  [[nodiscard]] bool full() const override { return output_.full(); }
  [[nodiscard]] bool finished() const override { return output_.closed(); }
  // Why the output could not be written; empty: its reader has gone.
  [[nodiscard]] const std::string& failure() const { return output_.failure(); }
  void peer_leaves() override;
  [[nodiscard]] bool pending() const override { return output_.pending(); }

 private:
  io::Reactor& reactor_;
  DrivenPeer& peer_;
  doors::Orders& orders_;
  Output output_;
  PublishInput input_;
  io::Reactor::Watch input_watch_;  // while input is wanted
  bool leaving_ = false;
};

}  // namespace tidegate::json_lines
