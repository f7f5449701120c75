#include "command/health/mesh_map.hpp"

#include <algorithm>

#include "lib/base/endpoint.hpp"

namespace tidegate::health {

std::string MappedPeer::label() const {
  auto address = host.empty() ? std::string() : to_string(base::Endpoint{host, direct_port});
  if (name.empty()) return address;
  return address.empty() ? name : name + " (" + address + ")";
}

MeshMap::MeshMap(const Survey& survey) {
  for (const auto& member : survey.members) {
    auto& peer = peers_[member.origin];
    peer.origin = member.origin;
    peer.name = member.name;
    peer.host = member.host;
    peer.direct_port = member.direct_port;
    if (!member.answered) continue;
    peer.seen = &member;
    peer.alive = true;
  }
  for (const auto& member : survey.members) {
    for (const auto& pair : member.pairs) {
      auto& peer = peers_[pair.origin];
      peer.origin = pair.origin;
      if (peer.name.empty()) peer.name = pair.name;
      if (peer.host.empty()) peer.host = pair.host;
      peer.publish_port = pair.publish_port;
      peer.direct_port = pair.direct_port;
      peer.answers_paths = peer.answers_paths || pair.round_trip;
      peer.alive = peer.alive || pair.beacon_came || pair.stream_came || peer.answers_paths;
    }
  }
}

const PairSeen* MeshMap::view(const MappedPeer& by, const Origin& of) {
  if (by.seen == nullptr) return nullptr;
  const auto& pairs = by.seen->pairs;
  const auto found = std::find_if(pairs.begin(), pairs.end(),
                                  [&](const PairSeen& pair) { return pair.origin == of; });
  return found == pairs.end() ? nullptr : &*found;
}

const MappedPeer* MeshMap::living_at(const std::string& host, std::uint16_t port) const {
  for (const auto& [origin, peer] : peers_) {
    const bool there = peer.direct_port == port || peer.publish_port == port;
    if (peer.alive && peer.host == host && there) return &peer;
  }
  return nullptr;
}

const MappedPeer* MeshMap::living_on(const std::string& host) const {
  for (const auto& [origin, peer] : peers_) {
    if (peer.alive && peer.host == host) return &peer;
  }
  return nullptr;
}

}  // namespace tidegate::health
