// Which connections to the publish port are members', for the guard, which lets strangers have few.
//
// Members follow each other. So whoever subscribes with the id of a peer that we follow is taken
// for that peer; libzmq tells the first of those who subscribe to the same alone.
//
// Threads: that of the carrier.
#pragma once

#include <map>
#include <memory>
#include <set>

#include "peer/carriers/zeromq/guard.hpp"
#include "tidegate/origin.hpp"

namespace tidegate::zeromq {

class Followers {
 public:
  // That lives longer, and is there before anybody follows.
  explicit Followers(const std::unique_ptr<Guard>& guard) : guard_(guard) {}

  // A peer's subscription, over the connection of that descriptor.
  void came(const PeerId& peer, int descriptor);
  void went(const PeerId& peer) { connections_.erase(peer); }

  // We follow it, or no more.
  void know(const Origin& member);
  void forget(const Origin& member);

 private:
  void tell(const PeerId& peer);

  const std::unique_ptr<Guard>& guard_;
  std::map<PeerId, int> connections_;  // by descriptor, of those whose subscription is present
  std::set<Origin> members_;
};

}  // namespace tidegate::zeromq
