// The part of the roster that goes over to other keys while the peer runs.
//
// Others dial this peer's direct port with its first key, so when that is another one their links
// to it have ended, and none of them can tell by itself. Our own links still stand: a Hello over
// them names the new key, again and again until an answer shows that they have dialled anew.
#include <algorithm>
#include <optional>

#include "lib/mesh/roster.hpp"

namespace tidegate::mesh {

void Roster::rekeyed(KeyId key, const std::vector<LinkId>& ended, Extent own, Instant now,
                     Effects& effects) {
  const bool other_key = std::exchange(self_.key, key) != key;
  const auto has_ended = [&](const std::optional<LinkId>& link) {
    return link && std::find(ended.begin(), ended.end(), *link) != ended.end();
  };
  for (auto& seed : seeds_) {
    for (auto& address : seed.addresses) {
      if (!has_ended(address.link)) continue;
      effects.push_back(effect::Undial{*std::exchange(address.link, std::nullopt)});
      seed.retry_at = now;
      wake_at(now);
    }
  }
  for (auto& [origin, member] : members_) {
    if (member.departed() || !member.link) continue;
    // Its stream's key came over an earlier link, which may have had a key that counts no more.
    const bool unproven = member.following && member.redial_at != never;
    if (has_ended(member.link) || unproven) {
      disconnect(member, effects);
      member.met = false;
      connect(member, now, effects);
    } else if (other_key) {
      send_hello(*member.link, effects);
    } else {
      tell_ready(member, own, effects);  // it offers its path for datagrams anew
      continue;
    }
    tell_ready(member, own, effects);
    meet_again(member, now, effects);
  }
}

}  // namespace tidegate::mesh
