// Where a peer listens: at the same two ports of each address.
//
// It may begin anew at the same places. Every connection that has come there ends then, and the
// keys of now count for those that come next. So a server goes over to another key, and so somebody
// whose key counts no more is cut off, since ZAP asks only when a connection begins.
//
// Threads: that of the sockets, which outlive it.
#pragma once

#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include <zmq.hpp>

#include "peer/carriers/carrier.hpp"
#include "peer/carriers/zeromq/callers.hpp"

namespace tidegate::zeromq {

class Listening {
 public:
  Listening(zmq::socket_t& publish, Callers& callers) : publish_(publish), callers_(callers) {}

  // At the first two free ports of the range. Addresses of IPv4 decide: one of IPv6 may not be
  // usable yet, while it is tested. False: there are no two.
  [[nodiscard]] bool begin(const std::vector<std::string>& addresses, std::uint16_t first_port,
                           std::uint16_t last_port);

  // As Carrier::listen_on().
  [[nodiscard]] std::vector<std::string> also_on(const std::vector<std::string>& addresses);

  // One of the two, everywhere. An address where that fails is left by both: the host has lost it,
  // or another program was faster. Takes some milliseconds, as libzmq gives a port back in a thread
  // of its own.
  void publish_anew();
  void direct_anew();

  [[nodiscard]] carriers::Ports ports() const { return ports_; }

 private:
  void begin_again(const std::function<int(const std::string&)>& bind);
  void leave(const std::string& address);

  zmq::socket_t& publish_;
  Callers& callers_;
  carriers::Ports ports_;
  std::set<std::string> addresses_;  // also those that the host has lost
};

}  // namespace tidegate::zeromq
