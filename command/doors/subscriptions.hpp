// The patterns that doors subscribe to at their common peer. Each door has its own, which may be
// another's too; the peer is subscribed to all of them, and so hands out more than one of them
// wants.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "tidegate/peer.hpp"
#include "tidegate/topic.hpp"

namespace tidegate::doors {

// Of all doors of one peer.
class PeerPatterns {
 public:
  // Messages from before the peer met their publisher may come for others than the doors' present
  // clients, which don't want them then.
  enum class Earlier : std::uint8_t { for_all, for_others };

  PeerPatterns(DrivenPeer& peer, Earlier earlier) : peer_(peer), earlier_(earlier) {}

  // Each as often as the other.
  void add(const Pattern& pattern);
  void remove(const Pattern& pattern);

  [[nodiscard]] bool for_all(const Delivery& delivery) const {
    return earlier_ == Earlier::for_all || !delivery.earlier;
  }

 private:
  DrivenPeer& peer_;
  Earlier earlier_;
  std::vector<std::pair<Pattern, std::size_t>> counts_;
};

// Of one door.
class Subscriptions {
 public:
  explicit Subscriptions(PeerPatterns& all) : all_(all) {}

  void add(const Pattern& pattern);
  // Nothing happens if it is none of them.
  void remove(const Pattern& pattern);
  [[nodiscard]] bool want(const Delivery& delivery) const;

 private:
  PeerPatterns& all_;
  std::vector<Pattern> own_;
};

}  // namespace tidegate::doors
