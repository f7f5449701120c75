// The seam of door.hpp filled in by hand: a door whose client says back what it is told.
#pragma once

#include <string>
#include <vector>

#include "command/doors/door.hpp"
#include "tidegate/peer.hpp"

namespace tidegate::testing {

class EchoDoor final : public doors::Door {
 public:
  explicit EchoDoor(DrivenPeer& peer) : peer_(peer) {}

  void handle(const Incoming& incoming) override {
    const auto* delivery = std::get_if<Delivery>(&incoming);
    if (delivery == nullptr) return;
    heard.push_back(delivery->message.payload);
    if (!left) answer = peer_.publish(Topic::parse("echo").value(), heard.back() + " back");
  }
  void peer_has_turned() override { ++turns; }
  [[nodiscard]] bool full() const override { return holds_up; }
  [[nodiscard]] bool finished() const override { return heard.size() >= enough; }
  void peer_leaves() override { left = true; }

  std::vector<std::string> heard;
  Publish answer = Publish::accepted;
  bool holds_up = false;
  std::size_t enough = 1000;
  int turns = 0;
  bool left = false;

 private:
  DrivenPeer& peer_;
};

}  // namespace tidegate::testing
