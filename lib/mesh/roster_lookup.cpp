// The part of the roster that finds its members and tells how they stand. It changes nothing.
#include "lib/mesh/roster.hpp"

namespace tidegate::mesh {

Member* Roster::find(const Origin& origin) {
  const auto found = members_.find(origin);
  return found == members_.end() ? nullptr : &found->second;
}

Member* Roster::find_publisher(const Origin& publisher) {
  Member* found = nullptr;
  for (auto i = members_.lower_bound(publisher);
       i != members_.end() && i->first.peer == publisher.peer; ++i) {
    if (i->second.publisher == publisher) found = &i->second;
  }
  return found;
}

Member* Roster::member_of(LinkId link) {
  for (auto& [origin, member] : members_) {
    if (member.link == link) return &member;
  }
  return nullptr;
}

// One that was only named may be anybody's invention.
bool Roster::later_life_of(const Origin& origin) const {
  for (auto later = members_.upper_bound(origin);
       later != members_.end() && later->first.peer == origin.peer; ++later) {
    if (later->second.met) return true;
  }
  return false;
}

Handshake Roster::lacks(const Member& member) const {
  if (member.state == PeerState::ready) return Handshake::done;
  if (!member.following) return Handshake::answer;
  if (!member.started) return member.called ? Handshake::stream : Handshake::call;
  if (!readers_.contains(member.origin.peer)) return Handshake::subscription;
  return member.listening ? Handshake::done : Handshake::call;
}

}  // namespace tidegate::mesh
