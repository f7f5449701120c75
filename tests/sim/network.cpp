#include "tests/sim/network.hpp"

#include <algorithm>

#include "lib/base/must.hpp"
#include "lib/mesh/announcement.hpp"
#include "lib/mesh/frame_codec.hpp"
#include "tests/sim/draws.hpp"

namespace tidegate::sim {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

constexpr std::size_t queue_limit = 1000;  // frames; beyond it they are dropped, as ZeroMQ does

// A peer sends nothing that has no place where it sends it.
template <typename Frame>
Frame must_decode(const std::string& bytes) {
  auto decoded = mesh::decode<Frame>(bytes);
  TIDEGATE_MUST(std::holds_alternative<Frame>(decoded));
  return std::get<Frame>(std::move(decoded));
}

}  // namespace

HostId Network::add_host(std::string name) {
  hosts_.push_back(std::move(name));
  const auto added = hosts_.size() - 1;
  for (HostId other = 0; other <= added; ++other) {
    paths_[{other, added}] = paths_[{added, other}] = Path{};
  }
  return added;
}

void Network::start(LifeId life, HostId host, const mesh::PeerInfo& info) {
  if (peers_.size() <= life) peers_.resize(life + 1);
  peers_[life].host = host;
  peers_[life].info = info;
  peers_[life].alive = true;
}

void Network::end(LifeId life) {
  auto& peer = peers_[life];
  peer.alive = false;
  for (ChannelId id = 0; id < channels_.size(); ++id) {
    const auto& channel = channels_[id];
    if (channel.closed) continue;
    if (channel.client == life) {
      close(id);
    } else if (channel.server == life) {
      disconnect(id);
      connect_later(id, milliseconds(50));
    }
  }
}

// --- connections --------------------------------------------------------------------------------

Network::ChannelId Network::add_channel(LifeId life, bool stream, mesh::LinkId link,
                                        const base::Endpoint& endpoint) {
  Channel channel;
  channel.stream = stream;
  channel.client = life;
  channel.link = link;
  channel.endpoint = endpoint;
  channels_.push_back(std::move(channel));
  const auto id = channels_.size() - 1;
  connect_later(id, microseconds(100));
  return id;
}

void Network::dial(LifeId life, mesh::LinkId link, const base::Endpoint& endpoint) {
  const auto id = add_channel(life, false, link, endpoint);
  TIDEGATE_MUST(peers_[life].links.emplace(link, id).second);
}

void Network::undial(LifeId life, mesh::LinkId link) {
  auto& links = peers_[life].links;
  const auto found = links.find(link);
  if (found == links.end()) return;
  close(found->second);
  links.erase(found);
}

void Network::follow(LifeId life, const mesh::effect::Follow& follow) {
  const auto id = add_channel(life, true, 0, follow.endpoint);
  channels_[id].publisher = follow.publisher;
  TIDEGATE_MUST(peers_[life].follows.emplace(follow.publisher, id).second);
}

void Network::unfollow(LifeId life, const Origin& publisher) {
  auto& follows = peers_[life].follows;
  const auto found = follows.find(publisher);
  if (found == follows.end()) return;
  close(found->second);
  follows.erase(found);
}

std::vector<base::Endpoint> Network::connections(LifeId life, bool streams) const {
  std::vector<base::Endpoint> all;
  for (const auto& channel : channels_) {
    if (channel.client == life && channel.stream == streams && !channel.closed) {
      all.push_back(channel.endpoint);
    }
  }
  return all;
}

LifeId Network::listener(const Channel& channel) const {
  for (LifeId life = 0; life < peers_.size(); ++life) {
    const auto& peer = peers_[life];
    const auto port = channel.stream ? peer.info.publish_port : peer.info.direct_port;
    if (peer.alive && port == channel.endpoint.port && hosts_[peer.host] == channel.endpoint.host) {
      return life;
    }
  }
  return nobody;
}

Path& Network::path_of(const Channel& channel, bool to_server) {
  const auto client = peers_[channel.client].host;
  const auto server = peers_[channel.server].host;
  return to_server ? paths_[{client, server}] : paths_[{server, client}];
}

void Network::connect_later(ChannelId id, Duration delay) {
  events_.after(delay + random_.between(Duration(0), delay), [this, id] { connect(id); });
}

void Network::connect(ChannelId id) {
  auto& channel = channels_[id];
  if (channel.closed || channel.server != nobody) return;
  const auto server = listener(channel);
  if (server != nobody) {
    channel.server = server;
    if (!path_of(channel, true).cut && !path_of(channel, false).cut) return connected(id);
    channel.server = nobody;
  }
  connect_later(id, milliseconds(80));
}

void Network::connected(ChannelId id) {
  auto& channel = channels_[id];
  ++channel.epoch;
  if (channel.stream) {
    const auto when = arrival(path_of(channel, true), channel.to_server);
    events_.at(when, [this, id, epoch = channel.epoch] {
      if (channels_[id].epoch == epoch) subscribed(id);
    });
    return;
  }
  for (const auto& bytes : std::exchange(channel.to_server.waiting, {})) send(id, true, bytes);
}

void Network::subscribed(ChannelId id) {
  channels_[id].arrived = true;
  channels_[id].shared = channels_[id].wants_shared;
  const auto server = channels_[id].server;
  const auto peer = peers_[channels_[id].client].info.origin.peer;
  peers_[server].readers.push_back(id);
  if (++peers_[server].reader_count[peer] == 1) give(server, node::input::Reader{peer, true});
}

// The publisher sends nothing any more at once, but notices a little later; by then another
// connection of the same peer may be there.
void Network::unsubscribed(ChannelId id) {
  channels_[id].arrived = false;
  const auto server = channels_[id].server;
  const auto peer = peers_[channels_[id].client].info.origin.peer;
  std::erase(peers_[server].readers, id);
  events_.after(microseconds(50) + up_to(random_, milliseconds(100)), [this, server, peer] {
    auto& publisher = peers_[server];
    if (--publisher.reader_count[peer] == 0 && publisher.alive) {
      give(server, node::input::Reader{peer, false});
    }
  });
}

void Network::disconnect(ChannelId id) {
  if (channels_[id].server == nobody) return;
  auto& channel = channels_[id];
  ++channel.epoch;
  if (channel.arrived) unsubscribed(id);
  channel.server = nobody;
  channel.to_server = channel.to_client = Direction{};
}

void Network::close(ChannelId id) {
  channels_[id].closed = true;
  disconnect(id);
}

void Network::break_between(HostId a, HostId b) {
  for (ChannelId id = 0; id < channels_.size(); ++id) {
    const auto& channel = channels_[id];
    if (channel.closed || channel.server == nobody) continue;
    const std::pair ends(peers_[channel.client].host, peers_[channel.server].host);
    if (ends != std::pair(a, b) && ends != std::pair(b, a)) continue;
    disconnect(id);
    connect_later(id, milliseconds(50));
  }
}

void Network::half_close(HostId reader, HostId publisher) {
  for (ChannelId id = 0; id < channels_.size(); ++id) {
    const auto& channel = channels_[id];
    if (channel.closed || !channel.arrived || peers_[channel.client].host != reader ||
        peers_[channel.server].host != publisher) {
      continue;
    }
    unsubscribed(id);
    channels_[id].to_client = Direction{};
  }
}

// --- frames -------------------------------------------------------------------------------------

mesh::RoutingId Network::route_of(ChannelId id) const {
  return std::to_string(id) + "/" + std::to_string(channels_[id].epoch);
}

std::string Network::text_of_bytes(const Channel& channel, bool to_server,
                                   const std::string& bytes) {
  if (to_server) return text_of(must_decode<mesh::CallFrame>(bytes));
  if (channel.stream) return text_of(must_decode<mesh::StreamFrame>(bytes));
  return text_of(must_decode<mesh::AnswerFrame>(bytes));
}

std::size_t Network::kind_of(const Channel& channel, bool to_server, const std::string& bytes) {
  constexpr auto calls = std::variant_size_v<mesh::CallFrame>;
  constexpr auto answers = std::variant_size_v<mesh::AnswerFrame>;
  if (to_server) return must_decode<mesh::CallFrame>(bytes).index();
  if (!channel.stream) return calls + must_decode<mesh::AnswerFrame>(bytes).index();
  return calls + answers + must_decode<mesh::StreamFrame>(bytes).index();
}

void Network::note(const Channel& channel, bool to_server, const std::string& frame,
                   const char* fate) {
  const auto& client = peers_[channel.client].info.name;
  const auto server = channel.server == nobody ? "?" : peers_[channel.server].info.name;
  trace_.line(events_.elapsed(), (to_server ? client : server) + " > " +
                                     (to_server ? server : client) + "  " + frame + fate);
}

void Network::to_link(LifeId life, mesh::LinkId link, const mesh::CallFrame& frame) {
  const auto found = peers_[life].links.find(link);
  TIDEGATE_MUST(found != peers_[life].links.end());
  send(found->second, true, std::make_shared<const std::string>(encode(frame)));
}

void Network::to_route(LifeId life, const mesh::RoutingId& route, const mesh::AnswerFrame& frame) {
  const auto id = static_cast<ChannelId>(std::stoull(route));
  if (channels_[id].server != life || route_of(id) != route) return;
  send(id, false, std::make_shared<const std::string>(encode(frame)));
}

void Network::broadcast(LifeId life, const mesh::StreamFrame& frame, const mesh::SendPlan& plan) {
  const auto bytes = send_apart(life, frame, plan.datagrams, plan.alone);
  for (const auto reader : peers_[life].readers) {
    if (plan.everyone || channels_[reader].shared) send(reader, false, bytes);
  }
}

void Network::remind(LifeId life, const mesh::effect::Remind& remind) {
  send_apart(life, remind.frame, remind.datagrams, remind.alone);
}

Network::Bytes Network::send_apart(LifeId life, const mesh::StreamFrame& frame,
                                   const std::vector<mesh::PathNumber>& datagrams,
                                   const std::vector<PeerId>& alone) {
  const auto bytes = std::make_shared<const std::string>(encode(frame));
  const auto size = static_cast<std::uint32_t>(bytes->size() + mesh::datagram_head_bytes);
  for (const auto& number : datagrams) send_datagram(life, number, bytes, size);
  for (const auto reader : peers_[life].readers) {
    const auto peer = peers_[channels_[reader].client].info.origin.peer;
    if (std::count(alone.begin(), alone.end(), peer) > 0) send(reader, false, bytes);
  }
  return bytes;
}

Instant Network::arrival(const Path& path, Direction& direction) {
  const auto own = events_.now() + path.delay + random_.between(Duration(0), path.jitter);
  if (happens(random_, path.reorders)) return own + up_to(random_, milliseconds(20));
  direction.last = std::max(direction.last + Duration(1), own);
  return direction.last;
}

void Network::send(ChannelId id, bool to_server, const Bytes& bytes) {
  auto& channel = channels_[id];
  auto& direction = to_server ? channel.to_server : channel.to_client;
  if (channel.server == nobody) {
    if (direction.waiting.size() < queue_limit) direction.waiting.push_back(bytes);
    return;
  }
  auto& path = path_of(channel, to_server);
  bool lost = path.cut && path.swallows;
  lost =
      lost || (path.lost_kind != no_kind && kind_of(channel, to_server, *bytes) == path.lost_kind);
  if (channel.stream) {
    if (direction.dropping > 0) {
      --direction.dropping;
      lost = true;
    } else if (happens(random_, path.loss)) {
      direction.dropping = random_.below(path.burst);
      lost = true;
    } else if (path.drop > 0 &&
               std::holds_alternative<mesh::Data>(must_decode<mesh::StreamFrame>(*bytes))) {
      --path.drop;
      lost = true;
    }
  } else {
    lost = lost || direct_frames_++ == lost_direct || happens(random_, path.direct_loss);
  }
  if (!lost && path.cut) {
    lost = direction.waiting.size() >= queue_limit;
    if (!lost) direction.waiting.push_back(bytes);
    if (!lost) return;
  }
  if (lost) {
    if (trace_.on()) note(channel, to_server, text_of_bytes(channel, to_server, *bytes), "  LOST");
    return;
  }
  const int copies = happens(random_, path.duplicates) ? 2 : 1;
  for (int i = 0; i < copies; ++i) {
    events_.at(arrival(path, direction), [this, id, to_server, bytes, epoch = channel.epoch] {
      if (channels_[id].epoch == epoch) arrive(id, to_server, *bytes);
    });
  }
}

void Network::arrive(ChannelId id, bool to_server, const std::string& bytes) {
  const auto& channel = channels_[id];
  if (trace_.on()) note(channel, to_server, text_of_bytes(channel, to_server, bytes), "");
  if (to_server) {
    give(channel.server, node::input::FromRoute{route_of(id), hosts_[peers_[channel.client].host],
                                                must_decode<mesh::CallFrame>(bytes)});
  } else if (channel.stream) {
    give(channel.client,
         node::input::FromStream{channel.publisher, must_decode<mesh::StreamFrame>(bytes)});
  } else {
    give(channel.client,
         node::input::FromLink{channel.link, must_decode<mesh::AnswerFrame>(bytes)});
  }
}

void Network::announce(LifeId life, const mesh::Announcement& announcement) {
  const auto from = peers_[life].host;
  const auto bytes = encode(announcement);
  for (LifeId to = 0; to < peers_.size(); ++to) {
    if (!peers_[to].alive) continue;
    const auto& path = paths_[{from, peers_[to].host}];
    if (path.cut || happens(random_, path.datagram_loss)) continue;
    const int copies = happens(random_, path.duplicates) ? 2 : 1;
    for (int i = 0; i < copies; ++i) {
      const auto delay = path.delay + random_.between(Duration(0), 3 * path.jitter);
      events_.after(delay, [this, to, from, bytes] {
        if (!peers_[to].alive) return;
        auto decoded = mesh::decode_announcement(bytes);
        give(to, node::input::Heard{std::get<mesh::Announcement>(decoded), hosts_[from]});
      });
    }
  }
}

// --- faults -------------------------------------------------------------------------------------

void Network::open(HostId from, HostId to) {
  auto& path = paths_[{from, to}];
  path.cut = path.swallows = false;
  for (ChannelId id = 0; id < channels_.size(); ++id) {
    if (channels_[id].closed || channels_[id].server == nobody) continue;
    for (const bool to_server : {true, false}) {
      if (&path_of(channels_[id], to_server) != &path) continue;
      auto& direction = to_server ? channels_[id].to_server : channels_[id].to_client;
      for (const auto& bytes : std::exchange(direction.waiting, {})) send(id, to_server, bytes);
    }
  }
}

void Network::heal() {
  for (auto& channel : channels_) channel.to_server.dropping = channel.to_client.dropping = 0;
  for (auto& [hosts, path] : paths_) {
    path = Path{};
    open(hosts.first, hosts.second);
  }
}

}  // namespace tidegate::sim
