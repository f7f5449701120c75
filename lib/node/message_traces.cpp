#include "lib/node/message_traces.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace tidegate::node {
namespace {

constexpr Duration pause = std::chrono::seconds(1);
constexpr Duration silence = std::chrono::seconds(2);  // after that nobody waits for an answer

bool over(const mesh::ReceivingSteps& steps) { return steps.fate != TracedFate::under_way; }

// Steps one behind the other: each from where the last one has ended.
class Times {
 public:
  Times(Instant begin, std::vector<TracedTime> before) : at_(begin), times_(std::move(before)) {}

  // It has ended then, not before it began; nullopt: it has not, and took so long until `now`.
  bool add(TracedStep step, std::optional<Instant> end, Instant now) {
    const auto until = std::max(at_, end.value_or(now));
    times_.push_back({step, until - at_});
    at_ = until;
    return end.has_value();
  }

  [[nodiscard]] std::vector<TracedTime> take() { return std::move(times_); }

 private:
  Instant at_;
  std::vector<TracedTime> times_;
};

std::optional<Instant> come(Instant step) {
  return step == Instant{} ? std::nullopt : std::optional(step);
}

std::optional<Instant> first_of(Instant a, Instant b) { return come(a) ? come(a) : come(b); }

std::vector<TracedTime> times_of(const mesh::SendingSteps& steps, Instant now) {
  Times times(steps.published, {});
  if (!times.add(TracedStep::publish, first_of(steps.asked, steps.left), now)) return times.take();
  if (steps.asked == Instant{}) return times.take();
  if (!times.add(TracedStep::position, first_of(steps.answered, steps.left), now) ||
      steps.answered == Instant{}) {
    return times.take();
  }
  (void)times.add(TracedStep::send, come(steps.left), now);
  return times.take();
}

// Those that were skipped, since the message has left before, are left out.
void add_times_of(const mesh::ReceivingSteps& steps, Instant now, Times& times) {
  const auto ends = std::to_array<std::pair<TracedStep, Instant>>({
      {TracedStep::arrival, steps.arrived},
      {TracedStep::gap, steps.taken},
      {TracedStep::held, steps.asked},
      {TracedStep::poll, steps.shown},
  });
  for (const auto& [step, end] : ends) {
    const auto ended = first_of(end, steps.left);
    if (!times.add(step, ended, now) || end == Instant{}) return;
  }
  (void)times.add(TracedStep::delivery, come(steps.left), now);
}

}  // namespace

Duration MessageTraces::Asked::clock_error() const {
  return ahead == Duration::zero() ? Duration::zero() : round_trip / 2;
}

// --- asking -------------------------------------------------------------------------------------

void MessageTraces::ask(Ticket ticket, Pattern pattern, Instant now, Instant until) {
  Trace trace{std::move(pattern), now, until, {}, {}, {}};
  trace.asked[self_].name = name_;
  traces_.emplace(ticket, std::move(trace));
  due_ = now;
}

void MessageTraces::advance(MessageWatch& watch, Instant now, Effects& effects) {
  pass_on_reports(watch, now, effects);
  if (now < due_) return;
  for (auto& [ticket, trace] : traces_) {
    look_around(trace);
    ask_members(ticket, trace, watch, now, effects);
  }
  pass_on_reports(watch, now, effects);
  for (auto i = traces_.begin(); i != traces_.end();) {
    auto& [ticket, trace] = *i;
    // Those who get the message are told which one it is.
    ask_members(ticket, trace, watch, now, effects);
    pass_on_reports(watch, now, effects);
    if (now < trace.until && !done(trace, now)) {
      ++i;
      continue;
    }
    effects.push_back(effect::Notify{account(ticket, trace, now)});
    i = traces_.erase(i);
  }
  due_ = next_look();
}

// Members come; those that have left are not forgotten, as they may have had the message.
void MessageTraces::look_around(Trace& trace) const {
  for (const auto& [origin, member] : roster_.members()) {
    if (member.departed() || !member.met) continue;
    auto& asked = trace.asked[origin];
    asked.name = member.name;
    asked.address = member.address();
  }
}

void MessageTraces::ask_members(Ticket ticket, Trace& trace, MessageWatch& watch, Instant now,
                                Effects& effects) {
  for (auto& [origin, asked] : trace.asked) {
    if (now < asked.ask_at) continue;
    asked.ask_at = now + pause;
    mesh::TraceRequest request{self_, ticket, now, trace.pattern, trace.message};
    if (origin == self_) {
      watch.wanted(std::move(request), {}, now);
      continue;
    }
    const auto member = roster_.members().find(origin);
    if (member == roster_.members().end() || !member->second.link || !member->second.traces) {
      continue;
    }
    effects.push_back(effect::ToLink{*member->second.link, std::move(request)});
  }
}

void MessageTraces::pass_on_reports(MessageWatch& watch, Instant now, Effects& effects) {
  for (auto& [asker, route, report] : watch.take_reports()) {
    if (asker == self_) {
      reported(self_, report, now);
    } else {
      effects.push_back(effect::ToRoute{route, std::move(report)});
    }
  }
}

void MessageTraces::reported(const Origin& origin, const mesh::TraceReport& report, Instant now) {
  const auto trace = traces_.find(report.number);
  if (trace == traces_.end()) return;
  const auto found = trace->second.asked.find(origin);
  if (found == trace->second.asked.end()) return;
  auto& asked = found->second;
  due_ = now;
  asked.answered = true;
  asked.refused = report.refused;
  const auto round_trip = now - report.asked;
  if (report.asked != Instant{} && report.asked <= now && round_trip < asked.round_trip) {
    asked.round_trip = round_trip;
    asked.ahead = report.clock - (report.asked + round_trip / 2);
    if (std::chrono::abs(asked.ahead) <= round_trip / 2) asked.ahead = {};
  }
  // Behind the one that was chosen a publisher may follow another, if it has not been asked for
  // long.
  const auto& chosen = trace->second.message;
  if (report.sending && !(chosen && chosen->origin == origin)) asked.sending = report.sending;
  if (report.receiving) asked.receiving = report.receiving;
  choose(trace->second);
}

// The first that was sent; before that, whichever one waits.
void MessageTraces::choose(Trace& trace) {
  if (trace.message) return;
  for (const auto& [origin, asked] : trace.asked) {
    if (!asked.sending) continue;
    if (!trace.publisher) trace.publisher = origin;
    if (asked.sending->fate == Traced::Fate::under_way) continue;
    trace.publisher = origin;
    if (asked.sending->fate != Traced::Fate::sent) continue;
    trace.message = mesh::PublishedMessage{origin, asked.sending->sequence};
    for (auto& [other, its] : trace.asked) its.ask_at = Instant::min();
    return;
  }
}

// --- the account --------------------------------------------------------------------------------

Instant MessageTraces::next_look() const {
  auto deadline = never;
  for (const auto& [ticket, trace] : traces_) {
    deadline = std::min(deadline, trace.until);
    for (const auto& [origin, asked] : trace.asked) deadline = std::min(deadline, asked.ask_at);
  }
  return deadline;
}

bool MessageTraces::done(const Trace& trace, Instant now) {
  if (!trace.publisher) return false;
  const auto& sending = *trace.asked.at(*trace.publisher).sending;
  if (sending.fate == Traced::Fate::under_way) return false;
  if (sending.fate != Traced::Fate::sent) return true;
  return std::all_of(trace.asked.begin(), trace.asked.end(), [&](const auto& one) {
    const auto& [origin, asked] = one;
    if (origin == *trace.publisher) return !asked.receiving || over(*asked.receiving);
    if (!asked.answered) return now >= trace.since + silence;
    return asked.refused || (asked.receiving && over(*asked.receiving));
  });
}

Traced MessageTraces::account(Ticket ticket, const Trace& trace, Instant now) const {
  Traced traced;
  traced.ticket = ticket;
  if (!trace.publisher) return traced;
  const auto& publisher = trace.asked.at(*trace.publisher);
  auto steps = *publisher.sending;
  for (auto* step : {&steps.published, &steps.asked, &steps.answered, &steps.left}) {
    if (*step != Instant{}) *step = publisher.here(*step);
  }
  traced.fate = steps.fate;
  traced.origin = *trace.publisher;
  traced.name = publisher.name;
  traced.sequence = steps.sequence;
  traced.steps = times_of(steps, now);
  traced.topic = std::move(steps.topic);
  if (steps.fate != Traced::Fate::sent) return traced;
  for (const auto& [origin, asked] : trace.asked) {
    if (origin == *trace.publisher && !asked.receiving) continue;
    traced.receivers.push_back(account(origin, trace, traced.steps, steps.left, now));
  }
  return traced;
}

TracedReceiver MessageTraces::account(const Origin& origin, const Trace& trace,
                                      const std::vector<TracedTime>& sending, Instant sent,
                                      Instant now) const {
  const auto& asked = trace.asked.at(origin);
  TracedReceiver receiver{origin, asked.name, asked.address, TracedFate::unanswered, {}, {}};
  if (asked.refused) receiver.fate = TracedFate::refused;
  if (!asked.answered || asked.refused) return receiver;
  auto steps = asked.receiving.value_or(mesh::ReceivingSteps{});
  receiver.fate = steps.fate;
  if (steps.fate == TracedFate::unseen) return receiver;
  for (auto* step : {&steps.arrived, &steps.taken, &steps.asked, &steps.shown, &steps.left}) {
    if (*step != Instant{}) *step = asked.here(*step);
  }
  // Within the error of the clocks it may seem to have come before it was sent: then it came at
  // once, and all that follows is as much later.
  if (steps.arrived != Instant{} && steps.arrived < sent) {
    const auto early = sent - steps.arrived;
    for (auto* step : {&steps.arrived, &steps.taken, &steps.asked, &steps.shown, &steps.left}) {
      if (*step != Instant{}) *step += early;
    }
  }
  Times times(sent, sending);
  add_times_of(steps, now, times);
  receiver.steps = times.take();
  if (origin != *trace.publisher) {
    receiver.clock_error = asked.clock_error() + trace.asked.at(*trace.publisher).clock_error();
  }
  return receiver;
}

void MessageTraces::give_up(Instant now, Effects& effects) {
  for (auto& [ticket, trace] : traces_) {
    effects.push_back(effect::Notify{account(ticket, trace, now)});
  }
  traces_.clear();
  due_ = never;
}

}  // namespace tidegate::node
