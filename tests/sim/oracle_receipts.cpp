// The part of the oracle that judges acknowledgements, and lives that go on where former ones
// ended.
#include <algorithm>
#include <utility>

#include "tests/sim/oracle.hpp"

namespace tidegate::sim {

Oracle::Fate& Oracle::fate_of(Share& share, std::uint64_t sequence) {
  auto& fates = share.fates;
  if (fates.size() < sequence) fates.resize(std::max(sequence, 2 * fates.size()));
  return fates[sequence - 1];
}

// --- acknowledgements ---------------------------------------------------------------------------

void Oracle::awaits(LifeId id, std::size_t sent, const std::vector<LifeId>& ready) {
  auto& life = lives_[id];
  for (auto i = life.stream.size() - std::min(sent, life.stream.size()); i < life.stream.size();
       ++i) {
    if (life.asked[life.stream[i].note].note.acknowledged) life.stream[i].awaited = ready;
  }
}

void Oracle::received(LifeId id, const Received& notice) {
  auto& life = lives_[id];
  const auto who = life.birth.name + " hears that ticket " + std::to_string(notice.ticket);
  if (notice.ticket == 0 || notice.ticket > life.asked.size()) {
    return fail("received", who + " is received, which it never gave");
  }
  auto& asked = life.asked[notice.ticket - 1];
  if (!asked.note.acknowledged || asked.sequence == 0 || std::exchange(asked.received, true)) {
    return fail("received", who + " is received, unasked, unsent or twice");
  }
  if (asked.sequence <= life.last_received) {
    fail("received", who + " is received after message " + std::to_string(life.last_received));
  }
  life.last_received = asked.sequence;
  ++totals_.received;
  totals_.without += notice.without.size();
  for (const auto receiver : life.stream[asked.sequence - 1].awaited) {
    const auto& origin = lives_[receiver].birth.origin;
    const bool named = std::any_of(notice.without.begin(), notice.without.end(),
                                   [&](const auto& peer) { return peer.origin == origin; });
    if (named) continue;
    auto& fate = fate_of(from(receiver, id), asked.sequence);
    fate.promised = true;
    if (fate.lost) {
      fail("received",
           who + " is received by " + name_of(receiver) + ", which has reported its loss");
    }
  }
}

// At the end. The life may have died since, with all that it had.
void Oracle::check_promises(LifeId id, LifeId author) {
  const auto& life = lives_[id];
  const auto& fates = from(id, author).fates;
  for (std::uint64_t sequence = 1; sequence <= fates.size(); ++sequence) {
    const auto& fate = fates[sequence - 1];
    if (!fate.promised || fate.visibility != Visibility::none) continue;
    const auto& sent = lives_[author].stream[sequence - 1];
    const auto topic = lives_[author].asked[sent.note].note.topic;
    if (!life.wants[topic] || sent.at <= life.unwanted_until[topic]) continue;
    return fail("received", life.birth.name + " has confirmed " + label(author, sequence) +
                                ", and neither delivers nor reports it");
  }
}

void Oracle::check_received(const Life& life) {
  for (const auto& asked : life.asked) {
    if (!asked.note.acknowledged || asked.sequence == 0 || asked.received) continue;
    return fail("received", life.birth.name + " never hears that its message " +
                                std::to_string(asked.sequence) + " is received");
  }
}

// --- lives that go on where former ones have ended ----------------------------------------------

std::vector<Cursor> Oracle::cursors(LifeId life) const {
  std::vector<Cursor> cursors;
  const auto& shares = lives_[life].from;
  for (const auto& [publisher, authors] : by_publisher_) {
    std::uint64_t next = 0;
    for (const auto author : authors) {
      if (author >= shares.size()) continue;
      const auto last = last_decided(shares[author]);
      if (last > 0) next = lives_[author].before + last + 1;
    }
    const bool other_of_peer = !cursors.empty() && cursors.back().publisher.peer == publisher.peer;
    if (next == 0) continue;
    if (other_of_peer) cursors.pop_back();  // its later stream
    cursors.push_back({publisher, next});
  }
  return cursors;
}

void Oracle::resume(LifeId id, const Cursor& cursor) {
  const auto found = by_publisher_.find(cursor.publisher);
  if (found == by_publisher_.end()) return;
  ++totals_.resumed;
  for (const auto author : found->second) {
    const auto& it = lives_[author];
    auto& got = from(id, author);
    const auto end = it.before + it.stream.size() + 1;
    got.bound = std::max(std::min(cursor.next, end), it.before + 1) - it.before;
    got.resumed = true;
  }
}

}  // namespace tidegate::sim
