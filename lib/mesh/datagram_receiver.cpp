#include "lib/mesh/datagram_receiver.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace tidegate::mesh {
namespace {

constexpr Duration first_offer_pause = std::chrono::seconds(1);
constexpr Duration longest_offer_pause = std::chrono::minutes(1);

// Fewer don't give a publisher room to work with.
constexpr std::uint32_t least_capacity = 16;

constexpr std::uint64_t acked_at_once(std::uint32_t capacity) { return capacity / 8; }

void subscribe_shared(Member& publisher, bool wanted, Effects& effects) {
  if (std::exchange(publisher.shared, wanted) == wanted) return;
  effects.push_back(effect::SubscribeShared{publisher.origin, wanted});
}

}  // namespace

void DatagramReceiver::ready(const Member& publisher, Instant now, Effects& effects) {
  auto& path = paths_[publisher.origin];
  const bool offered = path.socket.port != 0 && path.ack.number == 0;
  if (offered) return offer_soon(path, now);
  path = {};
  path.id = random_.next();
  effects.push_back(effect::OpenPath{publisher.origin, path.id, publisher.host});
}

void DatagramReceiver::opened(const Origin& publisher, PathId id, const PathSocket& socket,
                              Instant now, Effects& effects) {
  const auto found = paths_.find(publisher);
  if (found == paths_.end() || found->second.id != id) return;
  if (socket.capacity >= least_capacity) {
    found->second.socket = socket;
    offer_soon(found->second, now);
  } else if (auto* member = roster_.find(publisher)) {
    subscribe_shared(*member, true, effects);
  }
}

void DatagramReceiver::offer_soon(Path& path, Instant now) {
  path.offer_at = now;
  path.offer_pause = first_offer_pause;
  wake_at(now);
}

void DatagramReceiver::forget(const Origin& publisher, Effects& effects) {
  if (paths_.erase(publisher) > 0) effects.push_back(effect::ClosePath{publisher});
}

bool DatagramReceiver::arrived(Member& publisher, const PathDatagram& datagram, Kind kind,
                               Instant now, Effects& effects) {
  const auto found = paths_.find(publisher.origin);
  if (found == paths_.end() || found->second.id != datagram.number.path) return false;
  auto& path = found->second;
  ++path.ack.received;
  if (datagram.number.number >= path.ack.number) {
    path.ack.number = datagram.number.number;
    path.ack.size = datagram.size;
  }
  path.offer_at = never;
  if (kind != Kind::probe) subscribe_shared(publisher, false, effects);
  path.asked |=
      kind != Kind::data || path.ack.number - path.acked >= acked_at_once(path.socket.capacity);
  if (path.asked) wake_at(now);
  return true;
}

void DatagramReceiver::advance(Instant now, Effects& effects) {
  if (now < deadline_) return;
  deadline_ = never;
  for (auto& [origin, path] : paths_) {
    const auto* member = roster_.find(origin);
    if (member == nullptr) continue;
    if (now >= path.offer_at) offer(*member, path, now, effects);
    if (std::exchange(path.asked, false)) acknowledge(*member, path, effects);
    wake_at(path.offer_at);
  }
}

void DatagramReceiver::offer(const Member& publisher, Path& path, Instant now, Effects& effects) {
  path.offer_at = now + path.offer_pause;
  path.offer_pause = std::min(2 * path.offer_pause, longest_offer_pause);
  if (!publisher.link) return;
  effects.push_back(effect::ToLink{
      *publisher.link, DatagramOffer{self_, publisher.origin, path.id, path.socket.port,
                                     path.socket.capacity, publisher.shared, path.socket.secret}});
}

void DatagramReceiver::acknowledge(const Member& publisher, Path& path, Effects& effects) {
  path.ack.next = publisher.stream.next();
  path.acked = path.ack.number;
  effects.push_back(effect::Acknowledge{publisher.origin, path.ack});
}

DatagramState DatagramReceiver::state(const Origin& publisher) const {
  const auto found = paths_.find(publisher);
  if (found == paths_.end()) return DatagramState::none;
  return found->second.ack.number > 0 ? DatagramState::open : DatagramState::tried;
}

}  // namespace tidegate::mesh
