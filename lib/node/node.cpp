#include "lib/node/node.hpp"

#include <algorithm>
#include <utility>

#include "lib/base/limits.hpp"
#include "lib/message/footprint.hpp"
#include "lib/node/from_mesh.hpp"

namespace tidegate::node {
namespace {

// Later than this, a step means that this process was not run, and that the silence of the others
// meanwhile says nothing.
constexpr Duration noticeable_lateness = std::chrono::milliseconds(100);

static_assert(base::limits::batch_bytes / message::footprint_overhead <=
                  base::limits::batch_messages,
              "a frame that keeps to the bytes keeps to the number of messages");

}  // namespace

Node::Node(const Options& options, mesh::PeerInfo self, std::vector<base::Endpoint> seeds,
           std::uint64_t random_seed, Instant now)
    : self_(std::move(self)),
      heartbeat_(options.heartbeat),
      from_(options.from),
      overdue_(options.overdue),
      started_(now),
      random_(random_seed),
      pace_(base::Random(random_.next()), now),
      roster_(self_, std::move(seeds), {options.suspect_after, options.gone_after},
              base::Random(random_.next())),
      window_(options.retain_bytes, options.retain_for),
      gap_repair_(base::Random(random_.next())),
      gate_(options.database.has_value(), options.held_bytes,
            options.overdue == Overdue::hold ? std::nullopt : std::optional(options.overdue_after)),
      heartbeat_at_(now),
      demand_since_(now),
      tide_since_(now) {}

void Node::step(Input input, Instant now, Effects& effects) {
  if (left_) return;
  if (announced_deadline_ != never && now - announced_deadline_ > noticeable_lateness) {
    roster_.discount(now - announced_deadline_);
  }
  std::visit([&](auto& in) { take(in, now, effects); }, input);
  if (left_) {
    announced_deadline_ = never;
    return;
  }
  roster_.advance(own(), now, FromMesh(effects));
  close_streams_of_departed(now, effects);
  send_outbox(now, effects);
  release(now, effects);
  run_timers(now, effects);
  announced_deadline_ = std::max(deadline(), now);
}

Instant Node::deadline() const {
  if (left_) return never;
  if (more_) return Instant::min();
  return std::min({heartbeat_at_, pace_.deadline(), roster_.deadline(), outbox_.deadline(),
                   gate_.deadline(), demand_ ? gate_.overdue_at() : never,
                   gate_.has_room() ? gap_repair_.deadline() : never});
}

// --- membership ---------------------------------------------------------------------------------

void Node::take(input::Heard& in, Instant now, Effects& effects) {
  const bool newcomer = roster_.heard(in.announcement, in.host, now, FromMesh(effects));
  const auto& heard = in.announcement;
  if (newcomer) {
    pace_.newcomer(now);
  } else if (heard.reply_wanted && heard.mesh == self_.mesh &&
             heard.origin.peer != self_.origin.peer) {
    pace_.asked(now);
  }
}

void Node::take(input::FromLink& in, Instant now, Effects& effects) {
  bool expected = false;
  if (const auto* welcome = std::get_if<mesh::Welcome>(&in.frame)) {
    expected = roster_.welcome(in.link, welcome->info, now, FromMesh(effects));
  } else if (const auto* refusal = std::get_if<mesh::Refusal>(&in.frame)) {
    expected = roster_.refused(in.link, now, FromMesh(effects));
    if (expected) {
      ++counters_.refused;
      effects.push_back(effect::Notify{Warning{"a peer refused this one: " + refusal->reason}});
    }
  } else if (auto* data = std::get_if<mesh::Data>(&in.frame)) {
    if (auto* member = roster_.answering(in.link, data->origin, now, FromMesh(effects))) {
      expected = true;
      const auto count = data->messages.size();
      auto progress = member->stream.arrive(std::move(*data));
      counters_.recovered += count - progress.duplicates;
      arrived(*member, std::move(progress), now, effects);
    }
  } else if (const auto* kept = std::get_if<mesh::Retained>(&in.frame)) {
    if (auto* member = roster_.answering(in.link, kept->origin, now, FromMesh(effects))) {
      expected = true;
      skip(*member, kept->first, Undelivered::Why::expired, now, effects);
      watch_gap(*member, now);
      gap_repair_.answered(member->origin, member->stream.next() > member->asked_from, now);
    }
  } else if (const auto* vouch = std::get_if<mesh::Vouch>(&in.frame)) {
    expected = roster_.vouched(in.link, vouch->target, now);
  }
  if (!expected) ++counters_.unexpected;
}

void Node::take(input::FromRoute& in, Instant now, Effects& effects) {
  bool expected = false;
  if (const auto* hello = std::get_if<mesh::Hello>(&in.frame)) {
    expected = true;
    if (!roster_.hello(hello->info, in.route, in.host, own(), now, FromMesh(effects))) {
      ++counters_.refused;
    }
  } else if (const auto* other = std::get_if<mesh::OtherVersion>(&in.frame)) {
    expected = true;
    ++counters_.refused;
    effects.push_back(effect::ToRoute{
        in.route, mesh::Refusal{"this peer speaks protocol version " +
                                std::to_string(mesh::protocol_version) + ", not " +
                                std::to_string(other->version) + "; upgrade the older one"}});
  } else if (const auto* ready = std::get_if<mesh::Ready>(&in.frame)) {
    if (auto* member = roster_.ready(*ready, now, FromMesh(effects))) {
      expected = true;
      auto& stream = member->stream;
      const bool all = from_ == From::earliest && stream.next() == 0;
      if (all) stream.note_published(ready->next - 1);
      arrived(*member, stream.start(all ? ready->first : ready->next), now, effects);
    }
  } else if (const auto* listening = std::get_if<mesh::Listening>(&in.frame)) {
    expected = roster_.listening(*listening, now, FromMesh(effects));
  } else if (const auto* request = std::get_if<mesh::RetransmitRequest>(&in.frame)) {
    if (auto* member = roster_.asking(request->origin, now, FromMesh(effects))) {
      expected = true;
      answer(*request, in.route, *member, now, effects);
    }
  } else if (const auto* probe = std::get_if<mesh::Probe>(&in.frame)) {
    expected = roster_.probe(*probe, in.route, now, FromMesh(effects));
  }
  if (!expected) ++counters_.unexpected;
}

void Node::take(input::FromStream& in, Instant now, Effects& effects) {
  mesh::Member* member = nullptr;
  if (auto* data = std::get_if<mesh::Data>(&in.frame)) {
    member = roster_.publisher(data->origin, now, FromMesh(effects));
    if (member != nullptr) {
      arrived(*member, member->stream.arrive(std::move(*data)), now, effects);
    }
  } else if (const auto* heartbeat = std::get_if<mesh::Heartbeat>(&in.frame)) {
    member = roster_.publisher(heartbeat->origin, now, FromMesh(effects));
    if (member != nullptr) {
      member->stream.note_published(heartbeat->last);
      skip(*member, heartbeat->first, Undelivered::Why::expired, now, effects);
      watch_gap(*member, now);
    }
  } else if (const auto* farewell = std::get_if<mesh::Farewell>(&in.frame)) {
    member = roster_.publisher(farewell->origin, now, FromMesh(effects));
    if (member != nullptr) {
      member->stream.note_published(farewell->last);
      roster_.left(*member, now, FromMesh(effects));
    }
  }
  if (member == nullptr) ++counters_.unexpected;
}

void Node::take(input::Reader& in, Instant now, Effects& effects) {
  roster_.reader(in.peer, in.present, own(), now, FromMesh(effects));
}

// --- arriving messages --------------------------------------------------------------------------

void Node::arrived(mesh::Member& member, mesh::InboundStream::Progress progress, Instant now,
                   Effects& effects) {
  counters_.duplicate += progress.duplicates;
  pass_on(member, progress, now, effects);
  watch_gap(member, now);
}

// What may pass goes to the application, the rest into the gate. At its bound nothing is lost: what
// does not fit is a gap again.
void Node::pass_on(mesh::Member& member, mesh::InboundStream::Progress& progress, Instant now,
                   Effects& effects) {
  for (auto& [sequence, message] : progress.messages) {
    gate::Held held{std::move(message), member.origin, sequence, now};
    if (may_release() && gate_.passes(held.message.position)) {
      ++counters_.received;
      count_released(held.message);
      deliver(held, member, false, now, effects);
      continue;
    }
    if (!gate_.hold(held, demand_)) {
      member.stream.rewind_to(sequence);
      counters_.refused_full += progress.messages.back().sequence - sequence + 1;
      return;
    }
    ++counters_.received;
    ++member.held;
  }
}

void Node::skip(mesh::Member& member, std::uint64_t sequence, Undelivered::Why why, Instant now,
                Effects& effects) {
  while (true) {
    auto progress = member.stream.skip(sequence);
    if (!progress.skipped) return;
    undelivered(member, progress.skipped->first, progress.skipped->last, why, std::nullopt,
                effects);
    pass_on(member, progress, now, effects);
  }
}

void Node::watch_gap(const mesh::Member& member, Instant now) {
  if (member.stream.gap()) {
    gap_repair_.gap(member.origin, now);
  } else {
    gap_repair_.closed(member.origin);
  }
}

// What is missing of those who are gone will not come.
void Node::close_streams_of_departed(Instant now, Effects& effects) {
  for (const auto& origin : roster_.take_departed()) {
    if (auto* member = roster_.find(origin)) {
      skip(*member, member->stream.known() + 1, Undelivered::Why::missing, now, effects);
    }
    gap_repair_.closed(origin);
  }
}

// Not while the gate is full, and not those who don't answer anyway.
void Node::request_gaps(Instant now, Effects& effects) {
  while (gate_.has_room()) {
    const auto origin = gap_repair_.take_due(now);
    if (!origin) return;
    auto* member = roster_.find(*origin);
    TIDEGATE_MUST(member != nullptr);
    if (!member->link || member->state == PeerState::suspect) continue;
    const auto gap = member->stream.gap();
    TIDEGATE_MUST(gap);
    member->asked_from = gap->first;
    ++counters_.requests;
    effects.push_back(effect::ToLink{*member->link,
                                     mesh::RetransmitRequest{self_.origin, gap->first, gap->last}});
  }
}

void Node::undelivered(const mesh::Member& member, std::uint64_t first, std::uint64_t last,
                       Undelivered::Why why, const std::optional<Position>& position,
                       Effects& effects) {
  const auto count = last - first + 1;
  switch (why) {
    case Undelivered::Why::missing:
      counters_.missing += count;
      break;
    case Undelivered::Why::orphaned:
      counters_.orphaned += count;
      break;
    case Undelivered::Why::foreign:
      counters_.foreign += count;
      break;
    case Undelivered::Why::expired:
      counters_.expired += count;
      break;
    case Undelivered::Why::overdue:
      counters_.overdue += count;
      break;
  }
  effects.push_back(
      effect::Notify{Undelivered{member.origin, member.name, first, last, why, position}});
}

bool Node::may_release() const {
  return demand_ && released_ < base::limits::releases_per_step &&
         released_bytes_ < base::limits::release_bytes_per_step;
}

void Node::count_released(const Message& message) {
  ++released_;
  released_bytes_ += message::footprint(message);
}

void Node::release(Instant now, Effects& effects) {
  while (may_release()) {
    auto next = gate_.release(now);
    if (!next) break;
    auto& held = next->held;
    count_released(held.message);
    auto* member = roster_.find(held.origin);
    TIDEGATE_MUST(member != nullptr);
    --member->held;
    switch (next->visibility) {
      case Visibility::visible:
        deliver(held, *member, false, now, effects);
        break;
      case Visibility::orphaned:
      case Visibility::foreign:
        undelivered(*member, held.sequence, held.sequence,
                    next->visibility == Visibility::orphaned ? Undelivered::Why::orphaned
                                                             : Undelivered::Why::foreign,
                    held.message.position, effects);
        break;
      case Visibility::pending:
        if (overdue_ == Overdue::late) {
          deliver(held, *member, true, now, effects);
        } else {
          undelivered(*member, held.sequence, held.sequence, Undelivered::Why::overdue,
                      held.message.position, effects);
        }
        break;
    }
  }
  more_ = demand_ && !may_release();
  released_ = released_bytes_ = 0;
  if (gate_.take_poll(now)) {
    ++counters_.polls;
    effects.push_back(effect::Poll{});
  }
}

void Node::deliver(gate::Held& held, const mesh::Member& member, bool late, Instant now,
                   Effects& effects) {
  const bool wanted = std::any_of(patterns_.begin(), patterns_.end(), [&](const Pattern& pattern) {
    return pattern.matches(held.message.topic);
  });
  if (!wanted) {
    ++counters_.unmatched;
    return;
  }
  ++counters_.delivered;
  if (late) ++counters_.late;
  if (held.message.position) stream_.delivered(*held.message.position);
  effects.emplace_back(effect::Deliver{
      {std::move(held.message), held.origin, member.name, held.sequence, now - held.since, late}});
}

// --- published messages -------------------------------------------------------------------------

void Node::take(input::Publish& in, Instant, Effects&) {
  outbox_.push(std::move(in.message), in.dependency);
}

void Node::send_outbox(Instant now, Effects& effects) {
  while (auto leaving = outbox_.pop()) {
    if (leaving->lost || stream_.outdated(leaving->message)) {
      unpublished(std::move(leaving->message), effects);
    } else {
      broadcast(std::move(leaving->message), now, effects);
    }
  }
}

void Node::unpublished(Message message, Effects& effects) {
  ++counters_.unpublished;
  effects.push_back(
      effect::Notify{Unpublished{std::move(message.topic), std::move(message.payload)}});
}

// Messages that leave together share a frame: what else stands at the end of the effects is not yet
// sent.
void Node::broadcast(Message message, Instant now, Effects& effects) {
  const auto sequence = stream_.append(message);
  window_.append(message, now);
  const auto bytes = message::footprint(message);
  ++counters_.published;
  if (!effects.empty()) {
    auto* last = std::get_if<effect::Broadcast>(&effects.back());
    auto* data = last != nullptr ? std::get_if<mesh::Data>(&last->frame) : nullptr;
    if (data != nullptr && batch_bytes_ + bytes <= base::limits::batch_bytes) {
      batch_bytes_ += bytes;
      data->messages.push_back(std::move(message));
      return;
    }
  }
  mesh::Data data{self_.origin, sequence, {}};
  data.messages.push_back(std::move(message));
  batch_bytes_ = bytes;
  effects.push_back(effect::Broadcast{std::move(data)});
}

// As much as fits one answer; who misses more asks again.
void Node::answer(const mesh::RetransmitRequest& request, const mesh::RoutingId& route,
                  mesh::Member& member, Instant now, Effects& effects) {
  member.lag = own().next - std::min(request.first, own().next);
  if (member.slow_consumer.asked(now)) {
    effects.push_back(effect::Notify{
        Warning{"peer " + member.name + " keeps trailing: it asks for missed messages again and " +
                "again, and is " + std::to_string(member.lag) +
                " behind; look at its processor, its network and how fast its application takes "
                "deliveries"}});
  }
  window_.expire(now);
  ++counters_.answers;
  auto first = std::max(request.first, window_.first());
  std::size_t bytes = 0;
  while (bytes < base::limits::answer_bytes) {
    auto messages = window_.read(first, request.last, base::limits::batch_bytes);
    if (messages.empty()) break;
    for (const auto& message : messages) bytes += message::footprint(message);
    const auto count = messages.size();
    effects.push_back(effect::ToRoute{route, mesh::Data{self_.origin, first, std::move(messages)}});
    first += count;
    counters_.resent += count;
  }
  effects.push_back(effect::ToRoute{route, mesh::Retained{self_.origin, window_.first()}});
}

void Node::take(input::CommitPositionRead& in, Instant now, Effects&) {
  outbox_.answered(in.reading, now);
}

void Node::take(PrimaryUp& in, Instant, Effects& effects) {
  outbox_.primary_up(in.incarnation);
  effects.push_back(effect::Notify{std::move(in)});
}

void Node::take(PrimaryDown& in, Instant, Effects& effects) {
  outbox_.primary_down();
  effects.push_back(effect::Notify{std::move(in)});
}

// --- the server that is read --------------------------------------------------------------------

void Node::take(ServerUp& in, Instant, Effects& effects) {
  gate_.server_up();
  effects.push_back(effect::Notify{std::move(in)});
}

void Node::take(input::ReplayPositionRead& in, Instant now, Effects&) {
  if (in.tide && in.tide != gate_.tide()) tide_since_ = now;
  gate_.polled(std::move(in.tide));
}

void Node::take(ServerDown& in, Instant, Effects& effects) {
  gate_.server_down();
  effects.push_back(effect::Notify{std::move(in)});
}

// --- the application ----------------------------------------------------------------------------

void Node::take(input::Subscribe& in, Instant, Effects&) {
  patterns_.push_back(std::move(in.pattern));
}

void Node::take(input::Unsubscribe& in, Instant, Effects&) {
  const auto found = std::find(patterns_.begin(), patterns_.end(), in.pattern);
  if (found != patterns_.end()) patterns_.erase(found);
}

void Node::take(input::Demand& in, Instant now, Effects&) {
  if (in.open != demand_) demand_since_ = now;
  demand_ = in.open;
}

void Node::take(input::Leave&, Instant, Effects& effects) {
  for (auto& message : outbox_.take_all()) unpublished(std::move(message), effects);
  effects.push_back(effect::Broadcast{mesh::Farewell{self_.origin, stream_.last()}});
  effects.push_back(effect::Announce{announcement(true, false)});
  left_ = true;
}

void Node::take(Warning& in, Instant, Effects& effects) {
  effects.push_back(effect::Notify{std::move(in)});
}

// --- time ---------------------------------------------------------------------------------------

void Node::take(input::TimePassed&, Instant, Effects&) {}

void Node::run_timers(Instant now, Effects& effects) {
  if (const auto query = outbox_.take_query(now)) {
    if (*query == gate::CommitQueue::Query::ask) {
      ++counters_.questions;
      effects.push_back(effect::QueryCommitPosition{});
    } else {
      ++counters_.nudges;
      effects.push_back(effect::Nudge{});
    }
  }
  request_gaps(now, effects);
  if (now >= heartbeat_at_) {
    window_.expire(now);
    effects.push_back(effect::Broadcast{
        mesh::Heartbeat{self_.origin, window_.first(), stream_.last(), stream_.position()}});
    heartbeat_at_ = now + heartbeat_;
  }
  const bool first = pace_.in_burst();
  if (pace_.take_due(now)) effects.push_back(effect::Announce{announcement(false, first)});
}

mesh::Announcement Node::announcement(bool leaving, bool reply_wanted) const {
  return {self_.mesh, self_.origin, self_.publish_port, self_.direct_port, leaving, reply_wanted};
}

}  // namespace tidegate::node
