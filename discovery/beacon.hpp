// Announcements over UDP, by multicast and by broadcast, on chosen interfaces: how peers that know
// nothing of each other meet. It carries bytes. Their meaning (lib/mesh/announcement.hpp), the
// moment to send them (lib/mesh/beacon_pace.hpp) and who is alive are decided elsewhere.
//
// Both ways on every interface, since each fails somewhere: switches with IGMP snooping and no
// querier swallow multicast, tunnels and some virtual networks have no broadcast. So everything is
// usually heard twice, and a sender hears itself; the caller recognises both by the origin.
//
// One socket sends and receives. A socket per interface (bound to its address, or with
// IP_MULTICAST_IF) was rejected: IP_PKTINFO says for each datagram where it goes out and where it
// came in, and nothing has to be opened again when an interface comes back.
//
// 1. Several peers share a host: SO_REUSEADDR lets all of them bind the port, and Linux gives every
//    one of them each multicast and broadcast datagram. (A unicast one would reach only the last to
//    bind, and with SO_REUSEPORT a random one.)
// 2. The source address is always the sending interface's own. It must be set: on `lo` the kernel
//    would take another interface's address for multicast, and receivers dial what they see.
// 3. Only what arrived on a chosen interface, sent to the group or to its broadcast address, is
//    received: a datagram that needed a router or a unicast is not from a neighbour.
// 4. An interface that goes away is the environment's doing: reported when it happens and when it
//    is over, looked up again at each send, and its group joined again.
//
// Not thread-safe; it may move between threads. Nothing here blocks, apart from looking up the
// interfaces (about 100 us), which happens at open and after a failed send.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "discovery/interfaces.hpp"
#include "peer/io/descriptor.hpp"
#include "tidegate/result.hpp"

namespace tidegate::discovery {

inline constexpr std::uint16_t default_beacon_port = 17880;

// 239.255.69.216: of the "local scope" that no router forwards (RFC 2365, 239.255.0.0/16); the last
// two numbers are the port's.
inline constexpr base::Ipv4 default_beacon_group{0xEFFF0000U | default_beacon_port};

struct BeaconOptions {
  std::vector<std::string> interfaces;       // by name, each once
  std::uint16_t port = default_beacon_port;  // 0 = a free one: for probes, not for a mesh
  base::Ipv4 group = default_beacon_group;
};

enum class BeaconPath : std::uint8_t { multicast, broadcast };

// A datagram that was heard.
struct Datagram {
  static constexpr std::size_t max_size = 256;  // bytes; a larger one is ignored

  std::array<std::byte, max_size> buffer{};
  std::size_t size = 0;
  base::Ipv4 source;      // as the sender says; anybody on the link can lie
  std::string interface;  // where it arrived
  BeaconPath path{};

  // Valid as long as this datagram.
  [[nodiscard]] std::span<const std::byte> bytes() const { return std::span(buffer).first(size); }
};

// An interface stopped working, works differently badly, or works again.
struct BeaconChange {
  std::string interface;
  std::string trouble;  // one line; empty: it works again

  friend bool operator==(const BeaconChange&, const BeaconChange&) = default;
};

class Beacon {
 public:
  // Binds the port and joins the group on each interface. All interfaces must exist and one must be
  // usable now; an error tells what is wrong with the others. Those that are down or have no
  // address are used once they can be.
  [[nodiscard]] static Result<Beacon> open(const BeaconOptions& options);

  // Readable when receive() may have something. Lives as long as the beacon.
  [[nodiscard]] int descriptor() const { return socket_.get(); }

  // Sends to the group and to the broadcast address of every interface; at most Datagram::max_size
  // bytes. Returns what has changed since the last send: usually nothing.
  std::vector<BeaconChange> send(std::span<const std::byte> bytes);

  // The interfaces may have changed in a way that no failed send shows: they are looked up anew
  // with the next one.
  void refresh();

  // The next datagram that counts; nullopt when none is waiting. Every call takes a bounded number
  // of others off the socket, so a caller that is woken again by the descriptor misses nothing.
  // Under a flood there is always one more: bound the calls of a turn.
  [[nodiscard]] std::optional<Datagram> receive();

  // The chosen interfaces as they were last found.
  [[nodiscard]] std::vector<Interface> interfaces() const;

  [[nodiscard]] std::uint16_t port() const { return port_; }

  // Datagrams that did not count (invariant 3, or too large) since open.
  [[nodiscard]] std::uint64_t ignored() const { return ignored_; }

 private:
  struct Link {
    Interface interface;    // as last found
    bool attached = false;  // found, and its group joined, as far as we know
    std::string trouble;    // as last reported
  };

  Beacon(io::Descriptor socket, std::uint16_t port, base::Ipv4 group)
      : socket_(std::move(socket)), port_(port), group_(group) {}

  [[nodiscard]] std::string attach(Link& link);
  [[nodiscard]] std::string send_on(Link& link, std::span<const std::byte> bytes);
  [[nodiscard]] int transmit(const Interface& interface, base::Ipv4 destination,
                             std::span<const std::byte> bytes) const;

  io::Descriptor socket_;
  std::uint16_t port_;
  base::Ipv4 group_;
  std::vector<Link> links_;
  std::uint64_t ignored_ = 0;
};

}  // namespace tidegate::discovery
