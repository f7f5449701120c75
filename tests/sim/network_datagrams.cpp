// The datagrams of streams, as peer/carriers/datagrams/ shows them to lib/: they may be lost, come
// late or twice, and be too long for their way. One that comes twice is dropped, as there.
#include <algorithm>

#include "lib/mesh/frame_codec.hpp"
#include "tests/sim/draws.hpp"
#include "tests/sim/network.hpp"

namespace tidegate::sim {
namespace {

// A receive buffer of 212,992 bytes.
constexpr std::uint32_t capacity = 92;
constexpr std::uint16_t first_port = 20'000;

}  // namespace

void Network::open_path(LifeId life, const mesh::effect::OpenPath& path) {
  close_path(life, path.publisher);
  datagram_paths_[path.path] = {life, path.publisher, nobody, {}};
  const auto port = static_cast<std::uint16_t>(first_port + datagram_paths_.size());
  events_.after(Duration(1), [this, life, path, port] {
    if (!peers_[life].alive) return;
    const bool none = one_in(random_, 20);
    const mesh::PathSocket socket{none ? std::uint16_t{0} : port, none ? 0 : capacity, {}};
    give(life, node::input::PathOpened{path.publisher, path.path, socket});
  });
}

void Network::close_path(LifeId life, const Origin& publisher) {
  std::erase_if(datagram_paths_, [&](const auto& path) {
    return path.second.reader == life && path.second.publisher == publisher;
  });
}

void Network::admit_path(LifeId life, mesh::PathId path) {
  const auto found = datagram_paths_.find(path);
  if (found != datagram_paths_.end()) found->second.admitted_by = life;
}

void Network::drop_path(LifeId life, mesh::PathId path) {
  const auto found = datagram_paths_.find(path);
  if (found != datagram_paths_.end() && found->second.admitted_by == life) {
    found->second.admitted_by = nobody;
  }
}

void Network::probe_path(LifeId life, const mesh::PathNumber& number, std::uint32_t size) {
  send_datagram(life, number, std::make_shared<const std::string>(), size);
}

void Network::send_datagram(LifeId life, const mesh::PathNumber& number, const Bytes& frame,
                            std::uint32_t size) {
  const auto found = datagram_paths_.find(number.path);
  if (found == datagram_paths_.end() || found->second.admitted_by != life) return;
  const auto from = peers_[life].host;
  const auto& path = paths_[{from, peers_[found->second.reader].host}];
  if (path.cut || size > path.datagram_size || happens(random_, path.datagram_loss)) return;
  const int copies = happens(random_, path.duplicates) ? 2 : 1;
  for (int i = 0; i < copies; ++i) {
    auto delay = path.delay + random_.between(Duration(0), path.jitter);
    if (happens(random_, path.reorders)) delay += up_to(random_, std::chrono::milliseconds(20));
    events_.after(delay, [this, number, frame, size] { datagram_came(number, *frame, size); });
  }
}

void Network::datagram_came(const mesh::PathNumber& number, const std::string& frame,
                            std::uint32_t size) {
  const auto found = datagram_paths_.find(number.path);
  if (found == datagram_paths_.end() || !found->second.came.insert(number.number).second) return;
  const auto& [reader, publisher, admitted_by, came] = found->second;
  if (!peers_[reader].alive) return;
  const mesh::PathDatagram datagram{number, size};
  if (frame.empty()) return give(reader, node::input::Probed{publisher, datagram});
  auto decoded = mesh::decode<mesh::StreamFrame>(frame);
  give(reader, node::input::FromStream{publisher, std::get<mesh::StreamFrame>(std::move(decoded)),
                                       datagram});
}

void Network::acknowledge(LifeId life, const Origin& publisher, const mesh::DatagramAck& ack) {
  const auto found =
      std::find_if(datagram_paths_.begin(), datagram_paths_.end(), [&](const auto& path) {
        return path.second.reader == life && path.second.publisher == publisher;
      });
  if (found == datagram_paths_.end() || found->second.admitted_by == nobody) return;
  const auto to = found->second.admitted_by;
  const auto& path = paths_[{peers_[life].host, peers_[to].host}];
  if (path.cut || path.datagram_size == 0 || happens(random_, path.datagram_loss)) return;
  const auto delay = path.delay + random_.between(Duration(0), path.jitter);
  events_.after(delay, [this, to, id = found->first, ack] {
    if (peers_[to].alive) give(to, node::input::Acknowledged{id, ack});
  });
}

void Network::subscribe_shared(LifeId life, const Origin& publisher, bool wanted) {
  const auto found = peers_[life].follows.find(publisher);
  if (found == peers_[life].follows.end()) return;
  auto& channel = channels_[found->second];
  channel.wants_shared = wanted;
  if (channel.server == nobody) return;
  const auto when = arrival(path_of(channel, true), channel.to_server);
  events_.at(when, [this, id = found->second, epoch = channel.epoch, wanted] {
    if (channels_[id].epoch == epoch) channels_[id].shared = wanted;
  });
}

}  // namespace tidegate::sim
