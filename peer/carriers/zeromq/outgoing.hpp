// The bytes that wait in ZeroMQ's queues for those that read slowly. ZeroMQ counts frames, which
// may have 16 MiB each.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include <zmq.hpp>

#include "lib/base/limits.hpp"
#include "lib/mesh/effects.hpp"

namespace tidegate::zeromq {

// ZeroMQ's threads count down, so it is atomic; frames may outlive the carrier.
using ByteSum = std::shared_ptr<std::atomic<std::size_t>>;

// A frame that counts until the last queue has let go of it.
[[nodiscard]] zmq::message_t counted(std::string bytes, std::array<ByteSum, 2> sums);

// To those that have dialled us, for each of them and together.
class Answers {
 public:
  [[nodiscard]] zmq::message_t frame(const mesh::RoutingId& route, std::string_view bytes);

  // The last answer still waits, or so much for others that there is no room: no other is made.
  [[nodiscard]] bool congested(const mesh::RoutingId& route) const;

 private:
  void drop_idle();

  ByteSum sum_ = std::make_shared<std::atomic<std::size_t>>(0);
  std::map<mesh::RoutingId, ByteSum> routes_;  // that had something waiting lately
  std::size_t drop_at_ = 2 * base::limits::peers;
};

}  // namespace tidegate::zeromq
