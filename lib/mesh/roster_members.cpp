// The part of the roster that says which lives are in it, and which of two lives of a peer counts.
#include <algorithm>

#include "lib/base/limits.hpp"
#include "lib/mesh/roster.hpp"

namespace tidegate::mesh {
namespace {

// That were named and not met yet. As many peers of one host may start at once; others come in
// with their next word.
constexpr std::ptrdiff_t most_unmet_of_host = 256;

constexpr std::size_t most_readers = 4 * base::limits::peers;

}  // namespace

bool Roster::has_room_for_one_at(const std::string& host) const {
  return std::count_if(members_.begin(), members_.end(), [&](const auto& known) {
           const auto& member = known.second;
           return !member.met && !member.departed() && member.host == host;
         }) < most_unmet_of_host;
}

// A new member, or nullptr when there is no room, or a later life of the same peer is here.
Member* Roster::admit(const Origin& origin, const std::string& host, Instant now) {
  if (later_life_of(origin) || !has_room_for_one_at(host)) return nullptr;
  if (members_.size() >= base::limits::peers) {
    const auto oldest =
        std::min_element(members_.begin(), members_.end(), [](const auto& a, const auto& b) {
          return std::pair(!a.second.forgettable(), a.second.retry_at) <
                 std::pair(!b.second.forgettable(), b.second.retry_at);
        });
    if (!oldest->second.forgettable()) return nullptr;
    forget(oldest);
  }
  auto& member =
      members_.try_emplace(origin, origin, FailureDetector(patience_, now)).first->second;
  recall_stream(member);
  wake_at(now);
  return &member;
}

// While an earlier life of its peer speaks. That one is asked: if it has died and the later life
// has its address, that answers in its place.
bool Roster::must_wait(Member& member, Instant now, Effects& effects) const {
  if (member.met) return false;
  for (auto i = members_.lower_bound({member.origin.peer, 0}); i->first < member.origin; ++i) {
    const auto& earlier = i->second;
    if (!earlier.met || earlier.departed()) continue;
    if (earlier.detector.silent(now) >= patience_.suspect) continue;
    member.claimed_at = std::min(member.claimed_at, now);
    if (earlier.link) send_hello(*earlier.link, effects);
    return true;
  }
  return false;
}

// The subscription may come before its reader is known; but of those that nobody has followed by a
// Hello there are never too many.
void Roster::add_reader(PeerId peer) {
  if (readers_.size() >= most_readers) {
    const auto unknown = std::find_if(readers_.begin(), readers_.end(), [this](PeerId reader) {
      const auto member = members_.lower_bound({reader, 0});
      return member == members_.end() || member->first.peer != reader;
    });
    if (unknown != readers_.end()) readers_.erase(unknown);
  }
  readers_.insert(peer);
}

void Roster::forget(std::map<Origin, Member>::iterator member) {
  if (const auto next = member->second.stream.next(); next != 0) {
    if (remembered_.size() == base::limits::remembered_streams) remembered_.pop_front();
    remembered_.push_back({member->second.publisher, next});
  }
  members_.erase(member);
}

void Roster::recall_stream(Member& member) {
  const auto found = std::find_if(
      remembered_.begin(), remembered_.end(),
      [&](const Remembered& remembered) { return remembered.publisher == member.publisher; });
  if (found == remembered_.end()) return;
  (void)member.stream.start(found->next);
  remembered_.erase(found);
}

// Once, when it introduces itself: before that none of its messages counts.
void Roster::take_over_stream(Member& member, const PeerInfo& info) {
  const auto publisher = publisher_of(info);
  if (publisher == member.publisher) return;
  auto* earlier = find_publisher(publisher);
  member.publisher = publisher;
  if (earlier == nullptr) return recall_stream(member);
  if (member.origin < earlier->origin) return;
  member.stream = std::exchange(earlier->stream, InboundStream());
  member.met_at = earlier->met_at;
  member.released = earlier->released;
  member.held = std::exchange(earlier->held, 0);
  member.held_waits = std::exchange(earlier->held_waits, false);
}

void Roster::introduce(Member& member, const PeerInfo& info, const std::string& host) {
  member.host = host;
  member.name = info.name;
  member.publish_port = info.publish_port;
  member.direct_port = info.direct_port;
  member.key = info.key;
  member.traces = info.traces;
}

}  // namespace tidegate::mesh
