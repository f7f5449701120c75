#include "command/settle.hpp"

#include <chrono>

namespace tidegate::command {
namespace {

// A peer that is here answers a newcomer's beacon at once, and greets it within milliseconds.
constexpr Duration quiet = std::chrono::milliseconds(300);

}  // namespace

bool Settling::settled(const Status& status, Instant now) {
  std::size_t ready = 0;
  bool under_way = false;
  for (const auto& peer : status.peers) {
    if (peer.state == PeerState::ready) ++ready;
    if (peer.state == PeerState::heard || peer.state == PeerState::hello) under_way = true;
  }
  if (ready != ready_ || status.peers.size() != known_) changed_ = now;
  ready_ = ready;
  known_ = status.peers.size();
  if (wanted_) return enough();
  settles_at_ = enough() && !under_way ? changed_ + quiet : never;
  return now >= settles_at_;
}

}  // namespace tidegate::command
