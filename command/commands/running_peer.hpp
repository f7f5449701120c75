// The peer that `tidegate peer` runs, as its operator gives it orders: by SIGHUP, or over a door.
// The log tells what came of them, and the courier of the publish socket, a peer of its own,
// follows.
#pragma once

#include <string>
#include <vector>

#include "command/doors/orders.hpp"
#include "command/doors/publish_socket/publish_socket.hpp"
#include "command/log.hpp"
#include "tidegate/options.hpp"
#include "tidegate/peer.hpp"

namespace tidegate::commands {

class RunningPeer final : public doors::Orders {
 public:
  // All outlive this; the options are the peer's.
  RunningPeer(DrivenPeer& peer, const Options& options, spdlog::logger& log)
      : peer_(peer), options_(options), log_(log) {}

  // nullptr: there is none.
  void serves(publish_socket::PublishSocket* door) { door_ = door; }

  void trust_primary() override;
  [[nodiscard]] Result<std::vector<std::string>> reload_keys() override;
  [[nodiscard]] Asked when_covered(const Position& position, std::chrono::milliseconds timeout,
                                   Where where) override {
    return peer_.when_covered(position, timeout, where);
  }
  [[nodiscard]] Asked when_traced(const Pattern& pattern,
                                  std::chrono::milliseconds timeout) override {
    return peer_.when_traced(pattern, timeout);
  }

  // SIGHUP: as reload_keys(), where there is something to read again.
  void hang_up();

 private:
  DrivenPeer& peer_;
  const Options& options_;
  spdlog::logger& log_;
  publish_socket::PublishSocket* door_ = nullptr;
};

}  // namespace tidegate::commands
