#include "peer/carriers/zeromq/followers.hpp"

namespace tidegate::zeromq {

void Followers::came(const PeerId& peer, int descriptor) {
  connections_.insert_or_assign(peer, descriptor);
  tell(peer);
}

void Followers::know(const Origin& member) {
  members_.insert(member);
  tell(member.peer);
}

// Of a process that comes again both lives may be followed for a moment.
void Followers::forget(const Origin& member) {
  members_.erase(member);
  tell(member.peer);
}

void Followers::tell(const PeerId& peer) {
  const auto connection = connections_.find(peer);
  if (connection == connections_.end()) return;
  const auto life = members_.lower_bound(Origin{peer, 0});
  guard_->know(connection->second, life != members_.end() && life->peer == peer);
}

}  // namespace tidegate::zeromq
