// The orders and questions of an operator to a running peer, which a door takes beside its
// messages.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "tidegate/peer.hpp"
#include "tidegate/result.hpp"

namespace tidegate::doors {

class Orders {
 public:
  Orders() = default;
  Orders(const Orders&) = delete;
  Orders& operator=(const Orders&) = delete;
  virtual ~Orders() = default;

  // As those of a Peer.
  virtual void trust_primary() = 0;
  [[nodiscard]] virtual Result<std::vector<std::string>> reload_keys() = 0;
  // The answer is a notice of the peer, which every door is handed.
  [[nodiscard]] virtual Asked when_covered(const Position& position,
                                           std::chrono::milliseconds timeout, Where where) = 0;
  [[nodiscard]] virtual Asked when_traced(const Pattern& pattern,
                                          std::chrono::milliseconds timeout) = 0;
};

}  // namespace tidegate::doors
