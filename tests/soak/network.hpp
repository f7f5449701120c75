// The network between the peers: a namespace for each, all joined by one bridge in another, so that
// any of them can be cut off, in one direction too. Nothing of it has a name on this machine.
//
// Where namespaces are not allowed everybody is on the loopback interface, and nothing can be cut.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/support/network_namespace.hpp"

namespace tidegate::soak {

enum class Cut {
  link,  // the cable is out: the interface has no carrier
  deaf,  // what is sent to it is lost silently
  mute,  // what it sends is lost silently
};

class Network {
 public:
  // Throws std::runtime_error when there is no right to make one.
  explicit Network(int peers);

  // The words in front of the command of a peer.
  [[nodiscard]] std::vector<std::string> prefix(int peer) const { return host(peer).prefix(); }
  static constexpr auto* interface = "eth0";

  void cut(int peer, Cut how) const;
  void mend(int peer, Cut how) const;

 private:
  [[nodiscard]] const testing::NetworkNamespace& host(int peer) const {
    return *hosts_.at(static_cast<std::size_t>(peer));
  }

  testing::NetworkNamespace hub_;
  std::vector<std::unique_ptr<testing::NetworkNamespace>> hosts_;
};

}  // namespace tidegate::soak
