// The sockets that others dial: a ROUTER for each endpoint of the direct port.
//
// A caller may ask for the routing id that it is to have, as no member does. libzmq obeys: it gives
// up one of two connections that ask for the same, and what comes on that one after all leaves it
// with its file and 40 kB of memory until the endpoint is left; an id that was asked for and is
// drawn for another caller later ends the process. ZAP does not tell what was asked.
//
// A raw ROUTER draws all ids, but an endpoint that it is bound to while it is raw speaks no ZMTP.
// So each ROUTER is bound once, and made raw behind that; nobody is let in between. Raw is then
// taken back, which libzmq does for what is sent, and never for ids.
//
// Threads: that of the carrier.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <zmq.hpp>

#include "lib/keys/keyring.hpp"
#include "lib/mesh/effects.hpp"
#include "peer/carriers/zeromq/guard.hpp"
#include "peer/carriers/zeromq/receiving.hpp"
#include "peer/io/reactor.hpp"

namespace tidegate::zeromq {

// Frames that wait for one slow reader.
inline constexpr int direct_queue = 1'000;

class Callers {
 public:
  // One for each ROUTER, never used again.
  using Number = std::uint32_t;
  struct Router {
    zmq::socket_t socket;
    Guard::Watch guarded;
    io::Reactor::Watch ready;
    Inlet inlet;
    std::string endpoint;
  };
  using Watcher = std::function<io::Reactor::Watch(const zmq::socket_t&, Number)>;

  // Those live longer. The first key of the ring counts for endpoints that are listened on later.
  Callers(zmq::context_t& context, const keys::Keyring& keyring)
      : context_(context), keyring_(keyring) {}

  // Set up, and bound nowhere.
  [[nodiscard]] zmq::socket_t make() const;

  // Before any listens: who guards them, and as long as they live.
  void guard_with(Guard& guard) { guard_ = &guard; }
  // Watches those that listen already, and all others from then on.
  void watch_with(Watcher watcher);

  // At all endpoints of these addresses, or at none; 0, or the errno.
  [[nodiscard]] int listen(const std::vector<std::string>& addresses, std::uint16_t port);
  // Ends all connections that came there.
  void leave(const std::string& address, std::uint16_t port);
  void close() { routers_.clear(); }

  // nullptr: it is gone.
  [[nodiscard]] Router* find(Number number);

  // The way back to a caller, by the id that its ROUTER has drawn; and what it stands for.
  [[nodiscard]] static mesh::RoutingId route(Number number, std::string_view id);
  [[nodiscard]] static std::pair<Number, std::string_view> parse(const mesh::RoutingId& route);

 private:
  void begin(const std::string& endpoint);

  zmq::context_t& context_;
  const keys::Keyring& keyring_;
  Guard* guard_ = nullptr;
  Watcher watcher_;
  std::map<Number, Router> routers_;
  Number last_ = 0;
};

}  // namespace tidegate::zeromq
