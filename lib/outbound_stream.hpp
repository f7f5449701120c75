// A peer's own messages as one stream: numbered densely from 1, and with positions that never go
// back.
//
// The position of a message is the highest of: the change it announces, every position this peer
// has published, and every position it has delivered to its application. So a message that has no
// change of its own still comes after what its publisher had seen, and a receiver that sorts by
// position keeps each publisher's order.
#pragma once

#include <cstdint>
#include <optional>

#include "message.hpp"

namespace tidegate {

class OutboundStream {
 public:
  // Raises the message's position and returns its sequence.
  std::uint64_t append(Message& message);

  // The application was given a message with this position.
  void delivered(const Position& position);

  // 0: nothing published yet.
  [[nodiscard]] std::uint64_t last() const { return last_; }
  [[nodiscard]] const std::optional<Position>& position() const { return highest_; }

 private:
  void raise(const Position& position);

  std::uint64_t last_ = 0;
  std::optional<Position> highest_;
};

}  // namespace tidegate
