#include "lib/node/message_watch.hpp"

#include <algorithm>

#include "lib/base/limits.hpp"
#include "lib/base/must.hpp"

namespace tidegate::node {
namespace {

// It is asked for each second.
constexpr Duration lease = std::chrono::seconds(5);
constexpr Duration least_pause = std::chrono::milliseconds(10);

bool under_way(const mesh::SendingSteps& steps) { return steps.fate == Traced::Fate::under_way; }
bool under_way(const mesh::ReceivingSteps& steps) { return steps.fate == TracedFate::under_way; }

Traced::Fate fate_of(Unpublished::Why why) {
  switch (why) {
    case Unpublished::Why::primary_lost:
      return Traced::Fate::primary_lost;
    case Unpublished::Why::left:
      return Traced::Fate::left;
    case Unpublished::Why::no_primary:
      return Traced::Fate::no_primary;
    case Unpublished::Why::primary_outdated:
      return Traced::Fate::primary_outdated;
    case Unpublished::Why::database_lost:
      return Traced::Fate::database_lost;
    case Unpublished::Why::other_primary:
      return Traced::Fate::other_primary;
  }
  TIDEGATE_MUST(false);
}

TracedFate fate_of(Undelivered::Why why) {
  switch (why) {
    case Undelivered::Why::missing:
      return TracedFate::missing;
    case Undelivered::Why::expired:
      return TracedFate::expired;
    case Undelivered::Why::orphaned:
      return TracedFate::orphaned;
    case Undelivered::Why::in_doubt:
      return TracedFate::in_doubt;
    case Undelivered::Why::foreign:
      return TracedFate::foreign;
    case Undelivered::Why::overdue:
      return TracedFate::overdue;
  }
  TIDEGATE_MUST(false);
}

}  // namespace

// --- who asks -----------------------------------------------------------------------------------

MessageWatch::Watched* MessageWatch::find(const Origin& asker, std::uint64_t number) {
  const auto found = std::find_if(watched_.begin(), watched_.end(), [&](const Watched& one) {
    return one.asker == asker && one.number == number;
  });
  return found == watched_.end() ? nullptr : &*found;
}

bool MessageWatch::has_room_for(const Origin& asker) const {
  const auto of_asker = std::count_if(watched_.begin(), watched_.end(),
                                      [&](const Watched& one) { return one.asker == asker; });
  return watched_.size() < base::limits::traces &&
         static_cast<std::size_t>(of_asker) < base::limits::traces_of_asker;
}

// Nothing more will be told.
bool MessageWatch::finished(const Watched& watched) {
  if (watched.told_receiving) return true;
  if (!watched.told_sending) return false;
  return watched.sending->fate != Traced::Fate::sent ||
         (watched.message && watched.arrivals.empty());
}

// Those of one asker follow each other quicker than their leases end.
void MessageWatch::forget_finished(const Origin& asker) {
  std::erase_if(watched_, [&](const Watched& one) { return one.asker == asker && finished(one); });
}

void MessageWatch::wanted(mesh::TraceRequest request, const mesh::RoutingId& route, Instant now) {
  auto* known = find(request.origin, request.number);
  if (known == nullptr && !has_room_for(request.origin)) forget_finished(request.origin);
  if (known == nullptr && !has_room_for(request.origin)) {
    mesh::TraceReport refusal{self_, request.number, request.asked, now, true, {}, {}};
    reports_.push_back({request.origin, route, std::move(refusal)});
    return;
  }
  if (known == nullptr) known = &watched_.emplace_back();
  auto& watched = *known;
  watched.asker = request.origin;
  watched.number = request.number;
  watched.pattern = std::move(request.pattern);
  watched.route = route;
  watched.until = now + lease;
  if (request.message && !watched.message) name_message(watched, *request.message, now);
  if (now < watched.quiet_until) return;
  watched.quiet_until = now + least_pause;
  report(watched, request.asked, now);
}

void MessageWatch::name_message(Watched& watched, const mesh::PublishedMessage& message,
                                Instant now) const {
  watched.message = message;
  std::erase_if(watched.arrivals, [&](const Arrival& one) { return one.message != message; });
  if (!watched.arrivals.empty() || place_of(message) == ReceiverHalf::Place::absent) return;
  auto& unseen = watched.arrivals.emplace_back();
  unseen.message = message;
  unseen.steps.fate = TracedFate::unseen;
  unseen.steps.left = now;
}

void MessageWatch::report(Watched& watched, Instant asked, Instant now) {
  mesh::TraceReport report{self_, watched.number, asked, now, false, watched.sending, {}};
  if (watched.message && !watched.arrivals.empty()) {
    report.receiving = watched.arrivals.front().steps;
    watched.told_receiving = !under_way(*report.receiving);
  }
  watched.told_sending = watched.sending && !under_way(*watched.sending);
  reports_.push_back({watched.asker, watched.route, std::move(report)});
}

Instant MessageWatch::deadline() const {
  auto deadline = never;
  for (const auto& watched : watched_) deadline = std::min(deadline, watched.until);
  return deadline;
}

// --- what goes in -------------------------------------------------------------------------------

void MessageWatch::before(const Input& input, Instant now) {
  last_before_ = publisher_.extent().next - 1;
  if (const auto* publish = std::get_if<input::Publish>(&input)) {
    published(*publish, now);
  } else if (const auto* from_stream = std::get_if<input::FromStream>(&input)) {
    const auto* data = std::get_if<mesh::Data>(&from_stream->frame);
    if (data != nullptr) arrived(*data, now);
  } else if (const auto* from_link = std::get_if<input::FromLink>(&input)) {
    const auto* data = std::get_if<mesh::Data>(&from_link->frame);
    if (data != nullptr) arrived(*data, now);
  } else if (std::holds_alternative<input::CommitPositionRead>(input)) {
    primary_answered(now);
  } else if (std::holds_alternative<PrimaryDown>(input)) {
    primary_lost();
  }
}

void MessageWatch::published(const input::Publish& publish, Instant now) {
  for (auto& watched : watched_) {
    const auto& topic = publish.message.topic;
    if (watched.sending || !watched.pattern.matches(topic)) continue;
    watched.sending = mesh::SendingSteps{Traced::Fate::under_way, 0, now, {}, {}, {}, topic};
    watched.ticket = publisher_.accepted() + 1;
    watched.asks = std::holds_alternative<AfterCommit>(publish.dependency);
  }
}

void MessageWatch::arrived(const mesh::Data& data, Instant now) {
  for (auto& watched : watched_) {
    for (std::size_t i = 0; i < data.messages.size(); ++i) {
      const mesh::PublishedMessage one{data.origin, data.first + i};
      if (watched.message && *watched.message != one) continue;
      const auto& message = data.messages[i];
      if (!watched.pattern.matches(message.topic)) continue;
      const bool again = place_of(one) != ReceiverHalf::Place::absent ||
                         std::any_of(watched.arrivals.begin(), watched.arrivals.end(),
                                     [&](const Arrival& known) { return known.message == one; });
      if (again) continue;
      if (watched.arrivals.size() == base::limits::traced_arrivals) watched.arrivals.pop_front();
      watched.arrivals.push_back({one, message.position, message.inherited, {}});
      watched.arrivals.back().steps.arrived = now;
    }
  }
}

void MessageWatch::primary_answered(Instant now) {
  for (auto& watched : watched_) {
    if (!watched.sending || watched.sending->asked == Instant{}) continue;
    if (watched.sending->answered == Instant{}) watched.sending->answered = now;
  }
}

// The question is gone with it, and asked again.
void MessageWatch::primary_lost() {
  for (auto& watched : watched_) {
    if (watched.sending && watched.sending->answered == Instant{}) watched.sending->asked = {};
  }
}

// --- what comes out -----------------------------------------------------------------------------

void MessageWatch::after(const Effects& effects, std::size_t first, Instant now) {
  std::erase_if(watched_, [&](const Watched& watched) { return now >= watched.until; });
  for (auto& watched : watched_) look_for_sent(watched, now);
  for (auto i = first; i < effects.size(); ++i) look_at(effects[i], now);
  for (auto& watched : watched_) {
    for (auto& arrival : watched.arrivals) look_at(arrival, now);
    const bool sent = watched.sending && !under_way(*watched.sending) && !watched.told_sending;
    const bool received = watched.message && !watched.arrivals.empty() &&
                          !under_way(watched.arrivals.front().steps) && !watched.told_receiving;
    if (sent || received) report(watched, {}, now);
  }
}

void MessageWatch::look_for_sent(Watched& watched, Instant now) {
  if (!watched.sending || !under_way(*watched.sending)) return;
  const auto sent = publisher_.window().find(watched.ticket, last_before_);
  if (!sent) return;
  watched.sending->fate = Traced::Fate::sent;
  watched.sending->sequence = sent->sequence;
  watched.sending->left = now;
  if (!receiver_.takes_own()) return;
  Arrival own{{self_, sent->sequence}, sent->message->position, sent->message->inherited, {}};
  own.steps.arrived = now;
  watched.arrivals.push_back(std::move(own));
}

void MessageWatch::look_at(const Effect& effect, Instant now) {
  if (const auto* deliver = std::get_if<effect::Deliver>(&effect)) {
    look_at(deliver->delivery, now);
  } else if (std::holds_alternative<effect::QueryCommitPosition>(effect) ||
             std::holds_alternative<effect::Nudge>(effect)) {
    for (auto& watched : watched_) {
      if (watched.asks && watched.sending->asked == Instant{}) watched.sending->asked = now;
    }
  } else if (const auto* notify = std::get_if<effect::Notify>(&effect)) {
    if (const auto* loss = std::get_if<Undelivered>(&notify->notice)) look_at(*loss, now);
    if (const auto* back = std::get_if<Unpublished>(&notify->notice)) {
      for (auto& watched : watched_) {
        if (!watched.sending || watched.ticket != back->ticket) continue;
        watched.sending->fate = fate_of(back->why);
        watched.sending->left = now;
      }
    }
  }
}

// The origin of a delivery is that of its stream, which may have begun in an earlier life.
void MessageWatch::look_at(const Delivery& delivery, Instant now) {
  for (auto& watched : watched_) {
    for (auto& arrival : watched.arrivals) {
      if (arrival.message.sequence != delivery.sequence) continue;
      if (arrival.message.origin.peer != delivery.origin.peer) continue;
      if (!under_way(arrival.steps)) continue;
      arrival.steps.fate = delivery.late ? TracedFate::late : TracedFate::delivered;
      arrival.steps.left = now;
    }
  }
}

void MessageWatch::look_at(const Undelivered& loss, Instant now) {
  const auto lost = [&](const mesh::PublishedMessage& message) {
    return message.origin.peer == loss.origin.peer && loss.first <= message.sequence &&
           message.sequence <= loss.last;
  };
  for (auto& watched : watched_) {
    if (watched.message && watched.arrivals.empty() && lost(*watched.message)) {
      watched.arrivals.push_back({*watched.message, {}, {}, {}});
    }
    for (auto& arrival : watched.arrivals) {
      if (!under_way(arrival.steps) || !lost(arrival.message)) continue;
      arrival.steps.fate = fate_of(loss.why);
      arrival.steps.left = now;
    }
  }
}

// It may come, be shown and be delivered in one step.
void MessageWatch::look_at(Arrival& arrival, Instant now) const {
  auto& steps = arrival.steps;
  const bool over = !under_way(steps) && steps.left != now;
  if (over || steps.arrived == Instant{}) return;
  const auto place = place_of(arrival.message);
  if (place == ReceiverHalf::Place::absent) return;
  if (steps.taken == Instant{}) steps.taken = now;
  if (steps.shown == Instant{} && receiver_.decides(arrival.own, arrival.inherited)) {
    steps.shown = now;
    steps.asked = std::clamp(receiver_.known_at(), steps.taken, now);
  }
  if (place == ReceiverHalf::Place::left && under_way(steps)) {
    steps.fate = TracedFate::unwanted;
    steps.left = now;
  }
}

ReceiverHalf::Place MessageWatch::place_of(const mesh::PublishedMessage& message) const {
  if (message.origin == self_) return receiver_.place_of_own(message.sequence);
  const auto member = roster_.members().find(message.origin);
  return member == roster_.members().end()
             ? ReceiverHalf::Place::absent
             : ReceiverHalf::place_of(member->second, message.sequence);
}

}  // namespace tidegate::node
