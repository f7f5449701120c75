// A door stands between a running peer and some local client: standard input and output, a socket,
// a log. A kind of door has a folder of its own beside this file; opening it is its own business,
// and there it is given the reactor of the session and, if it publishes, the peer.
//
// A door waits for its clients in that reactor only and never blocks. Deliveries and
// notices of the peer are handed to every door of the session, in order, as long as none of them is
// full: then they stay in the peer, and beyond `inbox-bytes` held. Threads: that of the session.
#pragma once

#include "tidegate/notice.hpp"

namespace tidegate::doors {

class Door {
 public:
  Door() = default;
  Door(const Door&) = delete;
  Door& operator=(const Door&) = delete;
  virtual ~Door() = default;

  // A delivery or notice of the peer.
  virtual void handle(const Incoming& incoming) = 0;

  // After each turn of the peer: what it had no room for may be offered again.
  virtual void peer_has_turned() {}

  // So much waits for its client that the peer should keep the rest.
  [[nodiscard]] virtual bool full() const { return false; }

  // Its client is gone, or has what it wanted: the session may end.
  [[nodiscard]] virtual bool finished() const { return false; }

  // The peer is about to leave: nothing can be published any more.
  virtual void peer_leaves() {}

  // Something still waits for its client, who gets a last moment at the end of the session.
  [[nodiscard]] virtual bool pending() const { return false; }
};

}  // namespace tidegate::doors
