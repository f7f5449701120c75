#include "lib/node/publisher_half.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "lib/base/limits.hpp"
#include "lib/base/saturated.hpp"
#include "lib/gate/visibility.hpp"
#include "lib/mesh/branch_table.hpp"
#include "lib/message/footprint.hpp"

namespace tidegate::node {

static_assert(base::limits::batch_bytes / message::footprint_overhead <=
                  base::limits::batch_messages,
              "a frame that keeps to the bytes keeps to the number of messages");

PublisherHalf::PublisherHalf(const Options& options, const Origin& self, const mesh::Roster& roster,
                             mesh::OutboundStream& stream, Counters& counters, Instant now)
    : self_(self),
      roster_(roster),
      report_sent_(options.report_sent),
      heartbeat_pause_(base::bounded(options.heartbeat)),
      heartbeat_at_(now),
      stream_(stream),
      window_(options.retain_bytes, base::bounded(options.retain_for), stream.last() + 1),
      counters_(counters) {}

// --- the commit queue ---------------------------------------------------------------------------

void PublisherHalf::accept(input::Publish& published, Instant now, Effects& effects) {
  const auto ticket = ++accepted_;
  if (published.acknowledged) to_acknowledge_.insert(to_acknowledge_.end(), ticket);
  const auto* nothing = std::get_if<NoChange>(&published.dependency);
  if (nothing != nullptr && nothing->apart) {
    return broadcast(std::move(published.message), ticket, now, effects);
  }
  auto* place = std::get_if<Position>(&published.dependency);
  if (place != nullptr && place->after >= place->offset) place->after = 0;  // can't be true
  unsent_.push(std::move(published.message), published.dependency, ticket, now);
}

void PublisherHalf::commit_position_read(const gate::CommitPosition& reading, Instant now) {
  unsent_.answered(reading, now);
}

void PublisherHalf::send_unsent(Instant now, Effects& effects) {
  if (judge_) report_undone(*std::exchange(judge_, std::nullopt), effects);
  while (auto leaving = unsent_.pop()) {
    if (leaving->fate == gate::CommitQueue::Fate::sent) {
      if (leaving->read) stream_.delivered(*leaving->read);  // as good as: it may have been read
      broadcast(std::move(leaving->message), leaving->ticket, now, effects);
    } else {
      unpublished(std::move(leaving->message), leaving->ticket, why_lost(leaving->fate), effects);
    }
  }
  receipts_.settle(roster_, effects);
}

Unpublished::Why PublisherHalf::why_lost(gate::CommitQueue::Fate fate) const {
  if (fate == gate::CommitQueue::Fate::outdated) return Unpublished::Why::primary_outdated;
  if (fate == gate::CommitQueue::Fate::strange) return Unpublished::Why::other_primary;
  if (fate == gate::CommitQueue::Fate::unread) return Unpublished::Why::database_lost;
  return unsent_.met_primary() ? Unpublished::Why::primary_lost : Unpublished::Why::no_primary;
}

void PublisherHalf::unpublished(Message message, Ticket ticket, Unpublished::Why why,
                                Effects& effects) {
  ++counters_.unpublished;
  to_acknowledge_.erase(ticket);
  effects.push_back(
      effect::Notify{Unpublished{ticket, why, std::move(message.topic), std::move(message.payload),
                                 std::move(message.headers)}});
}

// --- own changes that a failover undoes ---------------------------------------------------------

// As if it showed nothing yet: a primary says nothing of a change on a later history than its own.
void PublisherHalf::primary_up(const PrimaryUp& primary) {
  unsent_.primary_up(primary.incarnation, primary.history);
  judge_by({primary.incarnation, primary.history, 0}, primary_history_);
}

void PublisherHalf::server_shows(const Tide& tide, Instant asked_at) {
  shown_ = tide;
  unsent_.server_showed(tide, asked_at);
  if (!judge_by(tide, server_history_)) return;
  stream_.return_to(Branch(tide.incarnation.kind, tide.incarnation.cluster, tide.history));
}

std::uint64_t PublisherHalf::reach_towards(const Position& position) const {
  return shown_ ? gate::reach_towards(position, *shown_) : gate::anywhere;
}

// By a history that is not whole, every change of another timeline would be in doubt.
bool PublisherHalf::judge_by(const Tide& tide, History& last) {
  if (tide.history == last || !tide.history.complete()) return false;
  last = tide.history;
  judge_ = tide;
  return true;
}

void PublisherHalf::report_undone(const Tide& tide, Effects& effects) {
  window_.for_each([&](std::uint64_t sequence, const Message& message, Ticket& ticket) {
    if (ticket == 0 || !message.position) return;
    const auto seen = gate::visibility_of(*message.position, tide);
    if (seen != Visibility::orphaned && seen != Visibility::in_doubt) return;
    const auto why =
        seen == Visibility::orphaned ? Undelivered::Why::orphaned : Undelivered::Why::in_doubt;
    ++counters_.undone;
    effects.push_back(effect::Notify{
        Undone{std::exchange(ticket, 0), sequence, why, message.topic, *message.position}});
  });
}

// --- the stream ---------------------------------------------------------------------------------

void PublisherHalf::broadcast(Message&& message, Ticket ticket, Instant now, Effects& effects) {
  const auto sequence = stream_.append(message);
  window_.append(message, now, ticket);
  ++counters_.published;
  if (!to_acknowledge_.empty() && to_acknowledge_.erase(ticket) > 0) {
    receipts_.await(ticket, sequence, roster_);
  }
  if (!report_sent_) return append_to_frame(sequence, std::move(message), effects);
  effect::Notify sent{Sent{ticket, sequence, message.position}};
  append_to_frame(sequence, std::move(message), effects);
  // In front of the frame, which stays at the end, open for the next message.
  effects.insert(effects.end() - 1, std::move(sent));
}

// A frame that stands at the end of the effects is not sent yet.
void PublisherHalf::append_to_frame(std::uint64_t sequence, Message&& message, Effects& effects) {
  const auto bytes = message::footprint(message);
  if (!effects.empty()) {
    auto* last = std::get_if<effect::Broadcast>(&effects.back());
    auto* data = last != nullptr ? std::get_if<mesh::Data>(&last->frame) : nullptr;
    if (data != nullptr && frame_bytes_ + bytes <= base::limits::batch_bytes) {
      const auto branches = mesh::branches_added(&data->messages.back(), message);
      if (frame_branches_ + branches <= base::limits::frame_branches) {
        frame_bytes_ += bytes;
        frame_branches_ += branches;
        data->messages.push_back(std::move(message));
        return;
      }
    }
  }
  mesh::Data data{self_, sequence, {}};
  frame_bytes_ = bytes;
  frame_branches_ = mesh::branches_added(nullptr, message);
  data.messages.push_back(std::move(message));
  effects.push_back(effect::Broadcast{std::move(data)});
}

void PublisherHalf::answer(const mesh::RetransmitRequest& request, const mesh::RoutingId& route,
                           mesh::Member& member, Instant now, Effects& effects) {
  const auto next = extent().next;
  member.lag = next - std::min(request.first, next);
  member.slow_consumer.asked(now);
  window_.expire(now);
  ++counters_.answers;
  auto first = std::max(request.first, window_.first());
  std::size_t bytes = 0;
  while (bytes < base::limits::answer_bytes) {
    auto messages = window_.read(first, request.last, base::limits::batch_bytes);
    if (messages.empty()) break;
    for (const auto& message : messages) bytes += message::footprint(message);
    const auto count = messages.size();
    effects.push_back(effect::ToRoute{route, mesh::Data{self_, first, std::move(messages)}});
    first += count;
    counters_.resent += count;
  }
  effects.push_back(effect::ToRoute{route, mesh::Retained{self_, window_.first()}});
}

// --- time ---------------------------------------------------------------------------------------

void PublisherHalf::run_timers(Instant now, Effects& effects) {
  if (const auto query = unsent_.take_query(now)) {
    if (*query == gate::CommitQueue::Query::ask) {
      ++counters_.position_queries;
      effects.push_back(effect::QueryCommitPosition{});
    } else {
      ++counters_.nudges;
      effects.push_back(effect::Nudge{});
    }
  }
  if (now < heartbeat_at_) return;
  window_.expire(now);
  effects.push_back(effect::Broadcast{heartbeat()});
  heartbeat_at_ = now + heartbeat_pause_;
}

void PublisherHalf::send_again(PeerId reader, std::uint64_t first, std::uint64_t last,
                               Effects& effects) const {
  first = std::max(first, window_.first());
  while (first <= last) {
    auto messages = window_.read(first, last, base::limits::batch_bytes);
    if (messages.empty()) return;
    const auto next = first + messages.size();
    effects.push_back(effect::Remind{{}, {reader}, mesh::Data{self_, first, std::move(messages)}});
    first = next;
  }
}

void PublisherHalf::leave(Effects& effects) {
  for (auto& leaving : unsent_.take_all()) {
    unpublished(std::move(leaving.message), leaving.ticket, Unpublished::Why::left, effects);
  }
  receipts_.give_up(effects);
  effects.push_back(effect::Broadcast{mesh::Farewell{self_, stream_.last()}});
}

}  // namespace tidegate::node
