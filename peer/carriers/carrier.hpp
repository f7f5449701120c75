// The loop's view of a carrier, which brings bytes between peers. An implementation has a folder of
// its own beside this file, which alone knows its library; opening it is its own business too.
//
// The shape is the mesh's, not that of any library:
//     link     a connection that this peer has dialled, by the number that the roster gave it
//     route    the way back on a connection that was dialled from outside
//     stream   what a publisher sends to all that follow it
//
// A carrier may lose frames, break connections and mend them: the mesh notices by its sequences.
// It must neither reorder the frames of one link, route or stream, nor cut or join them, and it
// tells a publisher when a follower's subscription has arrived (SubscriptionChange).
//
// Nothing waits. Threads: one at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "lib/base/endpoint.hpp"
#include "lib/keys/keyring.hpp"
#include "lib/mesh/effects.hpp"
#include "peer/io/reactor.hpp"
#include "tidegate/origin.hpp"
#include "tidegate/time.hpp"

namespace tidegate::carriers {

// An arrival. The bytes are the carrier's, valid until its next call.
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
  Origin publisher;        // as follow() was told
  std::string_view bytes;  // of the frame, behind the name of its part
};
// A follower's subscription is here, or gone with its connection.
struct SubscriptionChange {
  PeerId peer;
  bool present = false;
};
struct Malformed {};  // not of the shape that any peer sends; dropped
struct Internal {};   // the carrier's own business; it counts as work of a turn
using Arrival =
    std::variant<LinkBytes, RouteBytes, StreamBytes, SubscriptionChange, Malformed, Internal>;

// Connections that were ended because they brought more than a member ever does, or came where no
// more fit; since the start.
struct Floods {
  std::uint64_t count = 0;
  std::string last;  // whose it was, and why, for people
};

// Where others reach this peer: under the address from which its datagrams or connections come.
struct Ports {
  std::uint16_t publish = 0;  // to follow
  std::uint16_t direct = 0;   // to dial
};

class Carrier {
 public:
  Carrier() = default;
  Carrier(const Carrier&) = delete;
  Carrier& operator=(const Carrier&) = delete;
  virtual ~Carrier() = default;

  [[nodiscard]] virtual Ports ports() const = 0;

  // Of what this peer publishes.
  [[nodiscard]] virtual mesh::StreamKey stream_key() const = 0;

  // From now on every arrival ends the waits of the reactor, which outlives the carrier. Called
  // once, before anything below.
  virtual void attach(io::Reactor& reactor) = 0;

  // Listens at these addresses of the host too, at the ports above, and goes on where it has
  // listened before. Returns those of them whose ports another program has. One that can't be used
  // yet, or not any more, is no error: call again when it may have changed.
  virtual std::vector<std::string> listen_on(const std::vector<std::string>& addresses) = 0;

  // Uses the first of these keys from now on, where it had some others, and accepts them all. Then
  // call listen_on(): places where it can't listen any more are left. Streams go on; connections
  // from outside are ended where they must not be trusted any more, and where another key is used.
  // Returns the links that were dialled with a key that is gone: what they say is a stranger's.
  // Takes some milliseconds.
  [[nodiscard]] virtual std::vector<mesh::LinkId> use_keys(const keys::Keyring& keyring) = 0;

  // False when the system has no room for another connection, or the endpoint can't be understood.
  // `key`: of the other end, as far as it is known (mesh::effect::Dial).
  [[nodiscard]] virtual bool dial(mesh::LinkId link, const base::Endpoint& endpoint,
                                  mesh::KeyId key) = 0;
  virtual void undial(mesh::LinkId link) = 0;
  [[nodiscard]] virtual bool follow(const Origin& publisher, const base::Endpoint& endpoint,
                                    const mesh::StreamKey& key) = 0;
  virtual void unfollow(const Origin& publisher) = 0;
  // To the shared part of what one follows (lib/mesh/stream_part.hpp), which follow() does; or not
  // any more.
  virtual void subscribe_shared(const Origin& publisher, bool wanted) = 0;

  // Each takes the bytes, or drops them when the receiver's queue is full.
  virtual void to_link(mesh::LinkId link, std::string_view bytes) = 0;
  virtual void to_route(const mesh::RoutingId& route, std::string_view bytes) = 0;
  // To those that follow this part of the stream, with whose name the bytes begin.
  virtual void broadcast(std::string bytes) = 0;

  // Bytes of broadcast frames that some follower has not taken out of our queues yet. At
  // limits::outgoing_bytes larger frames are withheld from everybody, who will fetch what they
  // missed: so a reader that is stopped costs no more than that.
  [[nodiscard]] virtual std::size_t outgoing_bytes() const = 0;
  [[nodiscard]] virtual std::uint64_t suppressed() const = 0;  // frames, since the start

  // Large answers should wait: this one's last is not sent yet, or there are too many.
  [[nodiscard]] virtual bool congested(const mesh::RoutingId& route) const = 0;

  // Connections without a key of the mesh that were refused, since the start.
  [[nodiscard]] virtual std::uint64_t strangers() const = 0;
  [[nodiscard]] virtual Floods floods() const = 0;

  // A port of this kind of carrier begins with these bytes when somebody connects.
  [[nodiscard]] virtual bool greets(std::string_view first) const = 0;

  // The next thing that has arrived; nothing when there is no more.
  [[nodiscard]] virtual std::optional<Arrival> receive() = 0;

  // receive() may have something that the reactor does not know of.
  [[nodiscard]] virtual bool pending() const = 0;

  // Sends what is queued, for this long at most, and closes. Only the destructor may follow.
  virtual void close(Duration linger) = 0;
};

}  // namespace tidegate::carriers
