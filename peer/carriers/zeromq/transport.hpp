// The ZeroMQ sockets of a peer: bytes in, bytes out. The only file that knows ZeroMQ.
//
//     XPUB    bound      what this peer publishes; tells whose subscriptions are present
//     SUB     connected  to the XPUB of every peer that is followed
//     ROUTER  bound      direct frames from those that dialled us
//     DEALER  connected  one for each peer that we dialled
//
// Everybody receives every stream whole and filters for itself: a filter at the publisher would
// punch gaps into the sequences. Besides, each peer subscribes to "@<its id>", which no message
// ever matches: it shows the publisher that this peer's subscription has arrived.
//
// Each port of the loopback address listens as a Unix socket too, in the abstract namespace, which
// belongs to the same network namespace and leaves no file behind. Who dials chooses.
//
// Liveness is the roster's business. ZeroMQ's own heartbeats stay off: in libzmq 4.3.4 they can
// abort the process when a receive queue is full.
//
// ZeroMQ tells of readiness by edges: a descriptor fires once, and sending on a socket may swallow
// that. So each socket has a mark, set when its descriptor fired or anything was done with it, and
// cleared when a read has found it empty.
//
// Not thread-safe; may be moved between threads before it is used.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "lib/base/endpoint.hpp"
#include "lib/mesh/effects.hpp"
#include "tidegate/options.hpp"
#include "tidegate/origin.hpp"
#include "tidegate/result.hpp"

namespace tidegate::zeromq {

struct TransportOptions {
  PeerId self;
  std::vector<std::string> addresses;  // IPv4, to bind; the same ports on each
  std::uint16_t first_port = 0;
  std::uint16_t last_port = 0;
  LocalTransport local = LocalTransport::tcp;
};

class Transport {
 public:
  // Binds the first two free ports of the range. Raises the soft limit of open files to the hard
  // one, since a peer needs about five for each other peer.
  static Result<Transport> open(const TransportOptions& options);

  Transport(Transport&&) noexcept;
  Transport& operator=(Transport&&) = delete;
  ~Transport();

  [[nodiscard]] std::uint16_t publish_port() const;
  [[nodiscard]] std::uint16_t direct_port() const;

  // False when there is no descriptor left, or the endpoint can't be understood.
  [[nodiscard]] bool dial(mesh::LinkId link, const base::Endpoint& endpoint);
  void undial(mesh::LinkId link);
  [[nodiscard]] bool follow(const base::Endpoint& endpoint);
  void unfollow(const base::Endpoint& endpoint);

  // Each takes the bytes or drops them when the receiver's queue is full; never waits.
  void to_link(mesh::LinkId link, std::string_view bytes);
  void to_route(const mesh::RoutingId& route, std::string_view bytes);
  void broadcast(std::string bytes);

  // Bytes of broadcast frames that some reader has not taken out of our queues yet. ZeroMQ bounds
  // its queues by frames; at limits::outgoing_bytes larger frames are withheld from everybody, who
  // will fetch what they missed. So a reader that is stopped costs no more than that.
  [[nodiscard]] std::size_t outgoing_bytes() const;
  [[nodiscard]] std::uint64_t suppressed() const;  // frames, since the start

  // The bytes are those that ZeroMQ has, valid until the next receive().
  struct LinkBytes {
    mesh::LinkId link = 0;
    std::string_view bytes;
  };
  struct RouteBytes {
    mesh::RoutingId route;
    std::string host;  // the address of the other end
    std::string_view bytes;
  };
  struct StreamBytes {
    std::string_view bytes;
  };
  struct SubscriptionChange {
    PeerId peer;
    bool present = false;
  };
  struct Malformed {};  // not of the shape that any peer sends; dropped
  using Arrival = std::variant<LinkBytes, RouteBytes, StreamBytes, SubscriptionChange, Malformed>;

  // The next thing that has arrived; nothing when no marked socket has more.
  [[nodiscard]] std::optional<Arrival> receive();

  // Some socket is marked: receive() may have something although no descriptor fires.
  [[nodiscard]] bool marked() const;

  // For an event loop: descriptors to watch for input, level-triggered, and whose turn it is.
  struct Watch {
    int descriptor = -1;
    std::uint32_t socket = 0;  // for mark()
  };
  [[nodiscard]] std::vector<Watch> fixed_watches() const;
  [[nodiscard]] Watch link_watch(mesh::LinkId link) const;  // until undial; -1: not dialled
  void mark(std::uint32_t socket);

  // Sends what is queued, for this long at most, and closes. Only the destructor may follow.
  void close(Duration linger);

 private:
  class Sockets;
  explicit Transport(std::unique_ptr<Sockets> sockets);

  std::unique_ptr<Sockets> sockets_;
};

}  // namespace tidegate::zeromq
