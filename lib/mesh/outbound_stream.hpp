// A peer's own messages as one stream: numbered densely from 1, and with positions that never go
// back.
//
// The position of a message is the highest of: the change it announces, every position this peer
// has published, and every position it has delivered to its application. So a message that has no
// change of its own still comes after what its publisher had seen, and a receiver that sorts by
// position keeps each publisher's order.
//
// Positions of two clusters can't be compared: each cluster has a highest of its own, and a message
// without a change carries that of the cluster which was heard of last. (A peer that is not gated
// delivers messages of all clusters of its mesh.)
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "tidegate/message.hpp"

namespace tidegate::mesh {

class OutboundStream {
 public:
  // `last`: what an earlier life of this peer has sent of the stream.
  explicit OutboundStream(std::uint64_t last = 0) : last_(last) {}

  // Raises the message's position and returns its sequence.
  std::uint64_t append(Message& message);

  // The message's own position lies on an older timeline than this stream has come to. Raised over
  // the switch in between, its change would seem to be there whether the failover has undone it or
  // not.
  [[nodiscard]] bool outdated(const Message& message) const;

  // The application was given a message with this position.
  void delivered(const Position& position);

  // 0: nothing published yet.
  [[nodiscard]] std::uint64_t last() const { return last_; }
  [[nodiscard]] std::optional<Position> position() const;

 private:
  void raise(const Position& position);

  std::uint64_t last_;
  std::vector<Position> highest_;  // one for each cluster, the one heard of last at the back
};

}  // namespace tidegate::mesh
