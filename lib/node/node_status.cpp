// The status of a node: a snapshot of all its parts.
#include "lib/keys/key_id.hpp"
#include "lib/node/node.hpp"

namespace tidegate::node {

Status Node::status(Instant now) const {
  Status status;
  status.origin = self_.origin;
  status.name = self_.name;
  status.mesh = self_.mesh;
  status.publish_port = self_.publish_port;
  status.direct_port = self_.direct_port;
  status.up = now - started_;
  status.interfaces = interfaces_;
  status.beacon_port = beacon_port_;
  status.other_mesh = other_mesh_;
  status.stranger = stranger_;
  status.seeds = roster_.seeds(now);
  for (const auto& [origin, member] : roster_.members()) {
    const auto& stream = member.stream;
    status.peers.push_back(
        {.origin = origin,
         .name = member.name,
         .host = member.host,
         .publish_port = member.publish_port,
         .direct_port = member.direct_port,
         .key = keys::to_text(member.key),
         .state = member.state,
         .lacks = roster_.lacks(member),
         .unready = member.unready_since == never ? Duration::zero() : now - member.unready_since,
         .refusal = member.refusal,
         .silent = member.detector.silent(now),
         .next_sequence = stream.next(),
         .held = member.held,
         .missing = stream.gap() ? stream.known() - stream.next() + 1 : 0,
         .slow = member.slow_consumer.slow(now),
         .lag = member.lag,
         .datagrams_to = sender_.state(origin),
         .datagrams_from = paths_.state(origin)});
  }
  receiver_.describe(status, now);
  publisher_.describe(status);
  status.counters = counters_;
  return status;
}

void ReceiverHalf::describe(Status& status, Instant now) const {
  status.gated = gate_.gated();
  status.tide = gate_.tide();
  const auto& held = gate_.held();
  status.held = held.size();
  status.held_bytes = gate_.bytes();
  status.timings = timings_;
  status.taking = demand_;
  if (!demand_) status.untaken = now - demand_since_;
  if (status.tide) status.tide_still = now - tide_since_;
  if (!held.empty()) {
    const auto& first = held.first_awaited();
    status.held_first = first.own ? first.own : first.inherited;
    status.held_longest = now - held.first_since();
  }
}

// Skipped ones are reported at once, before messages that are held: those keep the place back.
std::vector<Cursor> ReceiverHalf::cursors() const {
  std::vector<Cursor> all;
  const auto add = [&](const mesh::Member& member) {
    if (member.stream.next() == 0) return;
    all.push_back(
        {member.publisher, member.held == 0 ? member.stream.next() : member.released + 1});
  };
  for (const auto& [origin, member] : roster_.members()) add(member);
  if (own_) add(*own_);
  return all;
}

void PublisherHalf::describe(Status& status) const {
  status.primary_known = unsent_.primary_known();
  status.unsent = unsent_.size();
  status.unsent_bytes = unsent_.bytes();
  status.last_sequence = stream_.last();
  status.last_position = stream_.position();
  status.retained_first = window_.first();
  status.retained = window_.size();
  status.retain_bytes = window_.bytes();
}

}  // namespace tidegate::node
