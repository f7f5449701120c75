#include "lib/node/receiver_half.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "lib/base/limits.hpp"
#include "lib/base/must.hpp"
#include "lib/base/saturated.hpp"
#include "lib/message/footprint.hpp"

namespace tidegate::node {
namespace {

// Others' questions alone cost the server a hundred readings a second at the most.
constexpr Duration fresh_for_others = std::chrono::milliseconds(10);

Undelivered::Why why_undelivered(Visibility visibility) {
  switch (visibility) {
    case Visibility::pending:
      return Undelivered::Why::overdue;
    case Visibility::orphaned:
      return Undelivered::Why::orphaned;
    case Visibility::in_doubt:
      return Undelivered::Why::in_doubt;
    case Visibility::foreign:
      return Undelivered::Why::foreign;
    case Visibility::visible:
      break;
  }
  TIDEGATE_MUST(false && "it is delivered");
}

}  // namespace

ReceiverHalf::ReceiverHalf(const Options& options, const mesh::PeerInfo& self, mesh::Roster& roster,
                           mesh::OutboundStream& own_stream, Counters& counters,
                           base::Random random, Instant now)
    : self_(self.origin),
      from_(options.from),
      resume_(options.resume),
      overdue_(options.overdue),
      roster_(roster),
      own_stream_(own_stream),
      own_gated_(options.own_messages == OwnMessages::gated),
      gap_repair_(random),
      gate_(options.database.has_value(), options.held_bytes,
            options.overdue == Overdue::hold ? std::nullopt
                                             : std::optional(base::bounded(options.overdue_after))),
      demand_since_(now),
      tide_since_(now),
      counters_(counters) {
  if (options.own_messages == OwnMessages::none) return;
  own_.emplace(self.origin, mesh::FailureDetector({}, now));
  own_->publisher = mesh::publisher_of(self);
  own_->name = self.name;
  (void)own_->stream.start(own_stream.last() + 1);
}

Instant ReceiverHalf::deadline() const {
  if (more_) return Instant::min();
  return std::min(
      {gate_.deadline(waiters_.waiting()), waiters_.deadline(),
       demand_ ? gate_.overdue_at() : never,
       gap_repair_.deadline([this](const Origin& origin) { return has_room(origin); })});
}

// --- frames -------------------------------------------------------------------------------------

void ReceiverHalf::ready(mesh::Member& member, const mesh::Ready& ready, Instant now,
                         Effects& effects) {
  auto& stream = member.stream;
  if (stream.next() != 0) return progress(member, stream.start(ready.next), now, effects);
  stream.note_published(ready.next - 1);
  member.met_at = ready.next;
  progress(member, stream.start(beginning(member, ready, effects)), now, effects);
}

// A cursor counts once: if the member is forgotten and comes back, its stream goes on elsewhere.
std::uint64_t ReceiverHalf::beginning(const mesh::Member& member, const mesh::Ready& ready,
                                      Effects& effects) {
  const auto usual = from_ == From::earliest ? ready.first : ready.next;
  const auto found = std::find_if(resume_.begin(), resume_.end(), [&](const Cursor& cursor) {
    return cursor.publisher.peer == member.publisher.peer;
  });
  if (found == resume_.end()) return usual;
  if (member.publisher < found->publisher) return usual;
  const auto cursor = *found;
  resume_.erase(found);
  const bool same = cursor.publisher == member.publisher;
  if (same && cursor.next <= ready.next) return cursor.next;
  effects.push_back(
      effect::Notify{NotResumed{cursor.publisher, member.name, cursor.next,
                                same ? NotResumed::Why::behind : NotResumed::Why::ended}});
  return usual;
}

void ReceiverHalf::arrived(mesh::Member& member, mesh::Data& data, Instant now, Effects& effects) {
  progress(member, member.stream.arrive(std::move(data)), now, effects);
}

void ReceiverHalf::heartbeat(mesh::Member& member, const mesh::Heartbeat& heartbeat, Instant now,
                             Effects& effects) {
  member.stream.note_published(heartbeat.last);
  skip(member, heartbeat.first, Undelivered::Why::expired, now, effects);
  watch_gap(member, now);
}

void ReceiverHalf::resent(mesh::Member& member, mesh::Data& data, Instant now, Effects& effects) {
  const auto count = data.messages.size();
  auto made = member.stream.arrive(std::move(data));
  counters_.recovered += count - made.duplicates;
  progress(member, std::move(made), now, effects);
}

void ReceiverHalf::retained(mesh::Member& member, const mesh::Retained& retained, Instant now,
                            Effects& effects) {
  skip(member, retained.first, Undelivered::Why::expired, now, effects);
  watch_gap(member, now);
  gap_repair_.answered(member.origin, member.stream.next() > member.asked_from, now);
}

void ReceiverHalf::receipt_wanted(mesh::Member& member, const mesh::ReceiptRequest& request,
                                  const mesh::RoutingId& route) {
  if (member.receipt_for == 0) receipts_wanted_.push_back(member.origin);
  member.receipt_for = request.last;
  member.receipt_route = route;
}

void ReceiverHalf::give_receipts_due(Effects& effects) {
  std::erase_if(receipts_wanted_, [&](const Origin& origin) {
    auto* member = roster_.find(origin);
    if (member == nullptr) return true;
    const auto& stream = member->stream;
    if (!member->departed()) {
      if (stream.next() <= member->receipt_for) return false;
      effects.push_back(
          effect::ToRoute{std::move(member->receipt_route),
                          mesh::Receipt{self_, stream.whole_from(), stream.next() - 1}});
    }
    member->receipt_for = 0;
    return true;
  });
}

void ReceiverHalf::close_streams_of(const std::vector<Origin>& departed, Instant now,
                                    Effects& effects) {
  for (const auto& origin : departed) {
    if (auto* member = roster_.find(origin)) {
      skip(*member, member->stream.known() + 1, Undelivered::Why::missing, now, effects);
    }
    gap_repair_.closed(origin);
  }
}

// --- streams ------------------------------------------------------------------------------------

void ReceiverHalf::progress(mesh::Member& member, mesh::InboundStream::Progress progress,
                            Instant now, Effects& effects) {
  counters_.duplicate += progress.duplicates;
  pass_on(member, progress, now, effects);
  watch_gap(member, now);
}

// Messages that may pass go to the application, the rest into the gate. At its bound nothing is
// lost: what does not fit is a gap again.
void ReceiverHalf::pass_on(mesh::Member& member, mesh::InboundStream::Progress& progress,
                           Instant now, Effects& effects) {
  const bool own = is_own(member);
  const bool at_once = own && !own_gated_;
  for (auto& [sequence, message] : progress.messages) {
    const auto visibility = gate_.visibility(message.position, message.inherited);
    if (may_release() && (at_once || gate_.passes(visibility))) {
      if (!own) ++counters_.received;
      count_released(message);
      if (deliver_wanted(message, false)) {
        effects.emplace_back(std::in_place_type<effect::Deliver>, std::move(message),
                             member.publisher, member.name, sequence, sequence < member.met_at);
      }
      continue;
    }
    if (at_once) return member.stream.rewind_to(sequence);
    // It leaves behind all that is held of its publisher.
    if (member.held == 0) {
      member.held_waits = false;
      member.released = sequence - 1;
    }
    const bool waits = member.held_waits || visibility != Visibility::visible;
    if (!gate_.takes(member.publisher, message.position, message.inherited,
                     message::footprint(message), demand_ && !waits)) {
      member.stream.rewind_to(sequence);
      if (!own) counters_.refused_full += progress.messages.back().sequence - sequence + 1;
      return;
    }
    gate::Awaited awaited{std::move(message.position), std::move(message.inherited)};
    gate_.hold({message::PackedMessage(std::move(message)), std::move(awaited), member.publisher,
                sequence, now});
    member.held_waits = waits;
    if (!own) ++counters_.received;
    ++member.held;
  }
}

void ReceiverHalf::skip(mesh::Member& member, std::uint64_t sequence, Undelivered::Why why,
                        Instant now, Effects& effects) {
  while (true) {
    auto progress = member.stream.skip(sequence);
    if (!progress.skipped) return;
    undelivered(member, *progress.skipped, why, nullptr, effects);
    pass_on(member, progress, now, effects);
  }
}

void ReceiverHalf::watch_gap(const mesh::Member& member, Instant now) {
  if (member.stream.gap()) {
    gap_repair_.gap(member.origin, now);
  } else {
    gap_repair_.closed(member.origin);
  }
}

bool ReceiverHalf::has_room(const Origin& origin) const {
  const auto* member = roster_.find(origin);
  TIDEGATE_MUST(member != nullptr);
  return gate_.has_room(member->publisher);
}

// Not while the gate has no room for them, and not of members that don't answer anyway.
void ReceiverHalf::run_timers(Instant now, Effects& effects) {
  while (true) {
    const auto origin =
        gap_repair_.take_due(now, [this](const Origin& candidate) { return has_room(candidate); });
    if (!origin) return;
    auto* member = roster_.find(*origin);
    if (!member->link || member->state == PeerState::suspect) continue;
    const auto gap = member->stream.gap();
    TIDEGATE_MUST(gap);
    member->asked_from = gap->first;
    ++counters_.requests;
    effects.push_back(
        effect::ToLink{*member->link, mesh::RetransmitRequest{self_, gap->first, gap->last}});
  }
}

// --- own messages -------------------------------------------------------------------------------

void ReceiverHalf::take_next_own(const mesh::ResendWindow& window, std::uint64_t last, Instant now,
                                 Effects& effects) {
  const auto before = effects.size();
  own_->stream.note_published(last);
  skip(*own_, window.first(), Undelivered::Why::expired, now, effects);
  while (own_->stream.next() <= last && own_may_go_on()) {
    const auto next = own_->stream.next();
    auto made =
        own_->stream.arrive({self_, next, window.read(next, last, base::limits::batch_bytes)});
    pass_on(*own_, made, now, effects);
    if (own_->stream.next() == next) break;
  }
  // A frame stays at the end, open for the next message (publisher_half.hpp).
  if (before > 0 && std::holds_alternative<effect::Broadcast>(effects[before - 1])) {
    const auto frame = effects.begin() + static_cast<std::ptrdiff_t>(before) - 1;
    std::rotate(frame, frame + 1, effects.end());
  }
}

bool ReceiverHalf::own_may_go_on() const {
  return own_gated_ ? gate_.has_room(own_->publisher) : may_release();
}

mesh::Member& ReceiverHalf::publisher_of(const Origin& source) {
  if (own_ && source == own_->publisher) return *own_;
  auto* member = roster_.find_publisher(source);
  TIDEGATE_MUST(member != nullptr);
  return *member;
}

// --- the gate -----------------------------------------------------------------------------------

void ReceiverHalf::replay_position_read(std::optional<Tide> tide, Instant now) {
  if (tide && tide != gate_.tide()) tide_since_ = now;
  const auto& poll = gate_.poll();
  if (poll.asked()) timings_.replay_read.add(now - poll.asked_at());
  if (demand_ && !more_) unshown_at_ = poll.known_at();
  gate_.polled(std::move(tide));
  waiters_.look(gate_.poll());
}

void ReceiverHalf::server_down() {
  gate_.server_down();
  waiters_.look(gate_.poll());
}

void ReceiverHalf::refresh_tide(Instant now, Effects& effects, Duration age) {
  if (gate_.refresh(now, age)) read_tide(effects);
}

void ReceiverHalf::read_since(Instant since, Instant now, Effects& effects) {
  if (gate_.take_since(since, now)) read_tide(effects);
}

void ReceiverHalf::read_tide(Effects& effects) {
  ++counters_.replay_reads;
  effects.push_back(effect::ReadReplayPosition{});
}

bool ReceiverHalf::may_release() const {
  return demand_ && released_ < base::limits::releases_per_step &&
         released_bytes_ < base::limits::release_bytes_per_step;
}

void ReceiverHalf::count_released(const Message& message) {
  ++released_;
  released_bytes_ += message::footprint(message);
}

void ReceiverHalf::release(Instant now, Effects& effects) {
  while (may_release()) {
    auto next = gate_.release(now);
    if (!next) break;
    auto& held = next->held;
    auto& member = publisher_of(held.source);
    --member.held;
    member.released = held.sequence;
    auto message = held.item.unpack();
    message.position = std::move(held.awaited.own);
    message.inherited = std::move(held.awaited.inherited);
    count_released(message);
    const bool overdue = next->visibility == Visibility::pending;
    if (next->visibility == Visibility::visible || (overdue && overdue_ == Overdue::late)) {
      if (!deliver_wanted(message, overdue)) continue;
      if (overdue) ++counters_.late;
      timings_.held.add(now - held.since);
      if (!overdue) timings_.release.add(now - std::max(held.since, unshown_at_));
      effects.emplace_back(std::in_place_type<effect::Deliver>, std::move(message), held.source,
                           member.name, held.sequence, held.sequence < member.met_at,
                           now - held.since, overdue);
    } else {
      undelivered(member, {held.sequence, held.sequence}, why_undelivered(next->visibility),
                  &message, effects);
    }
  }
  // Messages that have left may have made room for own ones.
  const bool own_waits = own_ && released_ > 0 && own_->stream.next() <= own_stream_.last();
  more_ = demand_ && (!may_release() || own_waits);
  released_ = released_bytes_ = 0;
  waiters_.expire(gate_.poll(), now);
  if (gate_.take_poll(now, waiters_.waiting())) read_tide(effects);
}

// --- questions ----------------------------------------------------------------------------------

void ReceiverHalf::ask(const input::Ask& ask, Instant until, Instant now) {
  if (!gate_.gated()) {
    ungated_.push_back({ask.ticket, Covered::unknown});
  } else if (ask.timeout <= Duration::zero() && ask.where == Where::here) {
    waiters_.ask_once(ask.ticket, ask.position, gate_.poll(), now);
  } else {
    waiters_.ask(ask.ticket, ask.position, gate_.poll(), now, until);
  }
}

void ReceiverHalf::answer_all() { waiters_.give_up(gate_.poll()); }

std::vector<gate::Waiters::Answer> ReceiverHalf::take_answers() {
  auto answers = waiters_.take_answers();
  std::move(ungated_.begin(), ungated_.end(), std::back_inserter(answers));
  ungated_.clear();
  return answers;
}

std::optional<Covered> ReceiverHalf::covered(const Position& position, Instant now,
                                             Effects& effects) {
  if (!gate_.gated()) return std::nullopt;
  const auto covered = gate_.poll().covered(position);
  if (covered == Covered::pending || covered == Covered::unknown) {
    refresh_tide(now, effects, fresh_for_others);
  }
  return covered;
}

// --- the application ----------------------------------------------------------------------------

void ReceiverHalf::unsubscribe(const Pattern& pattern) {
  const auto found = std::find(patterns_.begin(), patterns_.end(), pattern);
  if (found != patterns_.end()) patterns_.erase(found);
}

void ReceiverHalf::demand(bool open, Instant now) {
  if (open != demand_) demand_since_ = now;
  demand_ = open;
}

// The application has subscribed to the message; it is delivered.
bool ReceiverHalf::deliver_wanted(const Message& message, bool late) {
  const bool wanted = std::any_of(patterns_.begin(), patterns_.end(), [&](const Pattern& pattern) {
    return pattern.matches(message.topic);
  });
  if (!wanted) {
    ++counters_.unmatched;
    return false;
  }
  ++counters_.delivered;
  // A change that the server does not show is lost to it, or was never there: an answer need not
  // wait for that either, and a wrong position goes no further.
  if (message.inherited && gate_.shows(*message.inherited)) {
    own_stream_.delivered(*message.inherited);
  }
  if (message.position && !late) own_stream_.delivered(*message.position);
  return true;
}

// `message`: the single one, if it is known.
void ReceiverHalf::undelivered(const mesh::Member& member, mesh::InboundStream::Range range,
                               Undelivered::Why why, Message* message, Effects& effects) {
  const auto count = range.last - range.first + 1;
  switch (why) {
    case Undelivered::Why::missing:
      counters_.missing += count;
      break;
    case Undelivered::Why::orphaned:
      counters_.orphaned += count;
      break;
    case Undelivered::Why::in_doubt:
      counters_.in_doubt += count;
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
  Undelivered notice{member.publisher, member.name, range.first, range.last, why, {}, {}};
  if (message != nullptr) {
    notice.position = message->position;
    notice.topic = std::move(message->topic);
  }
  effects.push_back(effect::Notify{std::move(notice)});
}

}  // namespace tidegate::node
