// The peer of a member, with a thread of its own or driven by the member: both are soaked, by the
// same code.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "tidegate/peer.hpp"

namespace tidegate::soak {

class AnyPeer {
 public:
  static Result<AnyPeer> start(const Options& options, bool own_thread) {
    return own_thread ? start<Peer>(options) : start<DrivenPeer>(options);
  }

  Published publish(Topic topic, std::string payload, const Dependency& dependency) {
    const auto publish = [&](auto& peer) {
      return peer->publish(std::move(topic), std::move(payload), dependency);
    };
    return std::visit(publish, peer_);
  }
  std::optional<Incoming> next(std::chrono::milliseconds timeout) {
    return std::visit([&](auto& peer) { return peer->next(timeout); }, peer_);
  }
  void subscribe(const Pattern& pattern) {
    std::visit([&](auto& peer) { peer->subscribe(pattern); }, peer_);
  }
  Status status() {
    return std::visit([](auto& peer) { return peer->status(); }, peer_);
  }
  void leave() {
    std::visit([](auto& peer) { peer->leave(); }, peer_);
  }

 private:
  using Some = std::variant<std::unique_ptr<Peer>, std::unique_ptr<DrivenPeer>>;

  explicit AnyPeer(Some peer) : peer_(std::move(peer)) {}

  template <typename Kind>
  static Result<AnyPeer> start(const Options& options) {
    auto peer = Kind::start(options);
    if (!peer) return peer.error();
    return AnyPeer(std::move(*peer));
  }

  Some peer_;
};

}  // namespace tidegate::soak
