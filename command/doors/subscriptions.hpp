// The patterns that doors subscribe to at their common peer. Each door has its own, which may be
// another's too; the peer is subscribed to all of them, and so hands out more than one of them
// wants.
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

#include "tidegate/peer.hpp"
#include "tidegate/topic.hpp"

namespace tidegate::doors {

// Of all doors of one peer.
class PeerPatterns {
 public:
  explicit PeerPatterns(DrivenPeer& peer) : peer_(peer) {}

  // Each as often as the other.
  void add(const Pattern& pattern);
  void remove(const Pattern& pattern);

 private:
  DrivenPeer& peer_;
  std::vector<std::pair<Pattern, std::size_t>> counts_;
};

// Of one door.
class Subscriptions {
 public:
  explicit Subscriptions(PeerPatterns& all) : all_(all) {}

  void add(const Pattern& pattern);
  // Nothing happens if it is none of them.
  void remove(const Pattern& pattern);
  [[nodiscard]] bool match(const Topic& topic) const;

 private:
  PeerPatterns& all_;
  std::vector<Pattern> own_;
};

}  // namespace tidegate::doors
