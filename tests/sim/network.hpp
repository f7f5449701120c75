// The network between the peers, as peer/transport and the beacon show it to lib/: connections that
// keep their order, break and come back, and datagrams that do neither.
//
// A channel is one connection that a peer dials: a link (DEALER -> ROUTER) or a subscription
// (SUB -> XPUB). While its other end is not there it is tried again for ever, and whoever listens
// at its endpoint then gets it, be it another life than the one that was meant. ZeroMQ does so.
// - A frame sent over a link that is down waits for it; one in flight when it broke is lost.
// - The route of a link is another one after each reconnect; sending to an old one does nothing.
// - A publisher sees a reader of the same peer id once, however many connections it has.
// Every frame and datagram goes through its codec.
//
// The faults of the way from one host to another are the members of its Path.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "lib/base/random.hpp"
#include "lib/mesh/datagram_sender.hpp"
#include "lib/node/event.hpp"
#include "tests/sim/event_queue.hpp"
#include "tests/sim/sessions.hpp"
#include "tests/sim/trace.hpp"

namespace tidegate::sim {

using HostId = std::size_t;

inline constexpr std::size_t no_kind = ~std::size_t{0};

// From one host to another. Rates are of a million.
struct Path {
  Duration delay = std::chrono::microseconds(50);
  Duration jitter = std::chrono::microseconds(100);
  std::uint32_t loss = 0;  // of stream frames: a burst of drops begins
  std::uint64_t burst = 1;
  std::uint32_t direct_loss = 0;
  std::size_t lost_kind = no_kind;  // of frames: all of this kind, see Network::kinds
  std::uint32_t datagram_loss = 0;
  std::uint32_t datagram_size = 1500;  // longer ones don't pass; 0: there is a firewall
  std::uint32_t duplicates = 0;
  std::uint32_t reorders = 0;
  bool cut = false;        // nothing passes
  bool swallows = false;   // while cut: frames are lost, else they wait
  std::uint64_t drop = 0;  // so many of the next stream frames, for scenarios
};

class Network {
 public:
  Network(EventQueue& events, base::Random random, Trace& trace)
      : events_(events), random_(random), trace_(trace) {}

  // Frames are of so many kinds: those of each channel, numbered one channel after the other.
  static constexpr std::size_t kinds = std::variant_size_v<mesh::CallFrame> +
                                       std::variant_size_v<mesh::AnswerFrame> +
                                       std::variant_size_v<mesh::StreamFrame>;

  // Of the direct frames of all paths, counted from 0, this one is lost.
  std::optional<std::uint64_t> lost_direct;

  // Hands an input to a peer.
  std::function<void(LifeId, node::Input)> give;

  HostId add_host(std::string name);
  [[nodiscard]] const std::string& host_name(HostId host) const { return hosts_[host]; }
  [[nodiscard]] std::size_t hosts() const { return hosts_.size(); }
  [[nodiscard]] Path& path(HostId from, HostId to) { return paths_[{from, to}]; }

  void start(LifeId life, HostId host, const mesh::PeerInfo& info);
  void end(LifeId life);

  // The effects.
  void dial(LifeId life, mesh::LinkId link, const base::Endpoint& endpoint);
  void undial(LifeId life, mesh::LinkId link);
  void follow(LifeId life, const mesh::effect::Follow& follow);
  void unfollow(LifeId life, const Origin& publisher);
  void to_link(LifeId life, mesh::LinkId link, const mesh::CallFrame& frame);
  void to_route(LifeId life, const mesh::RoutingId& route, const mesh::AnswerFrame& frame);
  void subscribe_shared(LifeId life, const Origin& publisher, bool wanted);
  void broadcast(LifeId life, const mesh::StreamFrame& frame, const mesh::SendPlan& plan);
  void remind(LifeId life, const mesh::effect::Remind& remind);
  void open_path(LifeId life, const mesh::effect::OpenPath& path);
  void close_path(LifeId life, const Origin& publisher);
  void admit_path(LifeId life, mesh::PathId path);
  void drop_path(LifeId life, mesh::PathId path);
  void probe_path(LifeId life, const mesh::PathNumber& number, std::uint32_t size);
  void acknowledge(LifeId life, const Origin& publisher, const mesh::DatagramAck& ack);
  void announce(LifeId life, const mesh::Announcement& announcement);

  // The connections that this peer keeps, to links or to streams: where they lead.
  [[nodiscard]] std::vector<base::Endpoint> connections(LifeId life, bool streams) const;

  // Every connection between two hosts breaks; they are dialled again.
  void break_between(HostId a, HostId b);
  // The publishers on one host have given up the subscriptions from another, whose readers are not
  // told: a TCP connection that one end has closed while the other could not be reached. A reader
  // sends nothing, so it would never learn.
  void half_close(HostId reader, HostId publisher);
  // A path that was cut is open again: what waited goes on.
  void open(HostId from, HostId to);
  // All paths are good again.
  void heal();

 private:
  using Bytes = std::shared_ptr<const std::string>;
  using ChannelId = std::size_t;
  static constexpr LifeId nobody = ~LifeId{0};

  struct Peer {
    HostId host = 0;
    mesh::PeerInfo info;
    bool alive = false;
    std::map<mesh::LinkId, ChannelId> links;
    std::map<Origin, ChannelId> follows;
    std::vector<ChannelId> readers;  // subscriptions that have arrived here
    std::map<PeerId, int> reader_count;
  };
  struct Direction {
    Instant last = Instant::min();  // arrival
    std::uint64_t dropping = 0;     // the rest of a burst
    std::vector<Bytes> waiting;     // for the connection, or for the end of a cut
  };
  struct Channel {
    bool stream = false;
    LifeId client = 0;
    LifeId server = nobody;  // nobody: not connected
    base::Endpoint endpoint;
    mesh::LinkId link = 0;
    Origin publisher;  // of a stream, as the client was told
    bool closed = false;
    bool arrived = false;  // the subscription
    bool wants_shared = true;
    bool shared = true;       // as the server knows
    std::uint32_t epoch = 0;  // of the connection
    Direction to_server;
    Direction to_client;
  };

  // Of datagrams, by its id.
  struct DatagramPath {
    LifeId reader = nobody;
    Origin publisher;  // as the reader was told
    LifeId admitted_by = nobody;
    std::set<std::uint64_t> came;  // numbers
  };

  Bytes send_apart(LifeId life, const mesh::StreamFrame& frame,
                   const std::vector<mesh::PathNumber>& datagrams,
                   const std::vector<PeerId>& alone);
  // An empty one is a probe.
  void send_datagram(LifeId life, const mesh::PathNumber& number, const Bytes& frame,
                     std::uint32_t size);
  void datagram_came(const mesh::PathNumber& number, const std::string& frame, std::uint32_t size);
  [[nodiscard]] LifeId listener(const Channel& channel) const;
  [[nodiscard]] mesh::RoutingId route_of(ChannelId id) const;
  ChannelId add_channel(LifeId life, bool stream, mesh::LinkId link,
                        const base::Endpoint& endpoint);
  void connect_later(ChannelId id, Duration delay);
  void connect(ChannelId id);
  void connected(ChannelId id);
  void subscribed(ChannelId id);
  void unsubscribed(ChannelId id);
  void disconnect(ChannelId id);
  void close(ChannelId id);
  void send(ChannelId id, bool to_server, const Bytes& bytes);
  void arrive(ChannelId id, bool to_server, const std::string& bytes);
  Path& path_of(const Channel& channel, bool to_server);
  Instant arrival(const Path& path, Direction& direction);
  void note(const Channel& channel, bool to_server, const std::string& frame, const char* fate);
  [[nodiscard]] static std::size_t kind_of(const Channel& channel, bool to_server,
                                           const std::string& bytes);
  [[nodiscard]] static std::string text_of_bytes(const Channel& channel, bool to_server,
                                                 const std::string& bytes);

  EventQueue& events_;
  base::Random random_;
  Trace& trace_;
  std::vector<std::string> hosts_;
  std::map<std::pair<HostId, HostId>, Path> paths_;
  std::vector<Peer> peers_;
  std::vector<Channel> channels_;
  std::map<mesh::PathId, DatagramPath> datagram_paths_;
  std::uint64_t direct_frames_ = 0;
};

}  // namespace tidegate::sim
