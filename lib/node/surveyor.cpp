#include "lib/node/surveyor.hpp"

#include <algorithm>
#include <chrono>

#include "lib/base/limits.hpp"
#include "tidegate/version.hpp"

namespace tidegate::node {
namespace {

constexpr std::size_t most_askers = 8;

}  // namespace

bool Surveyor::Asked::complete() const {
  return own && std::all_of(members.begin(), members.end(),
                            [](const auto& member) { return member.second.answered; });
}

void Surveyor::ask(Instant now, Effects& effects) {
  if (survey_) return;
  survey_.emplace(Asked{++last_number_, now, now + patience});
  for (const auto& [origin, member] : roster_.members()) {
    if (!may_be_reached(member, now)) continue;
    if (survey_->members.size() == base::limits::survey_members) {
      ++survey_->left_out;
      continue;
    }
    auto& one = survey_->members[origin];
    one.origin = origin;
    one.name = member.name;
    one.host = member.host;
    one.direct_port = member.direct_port;
    one.state = member.state;
    if (!member.met || !member.link) continue;  // nothing counts before it knows this peer
    effects.push_back(
        effect::ToLink{*member.link, mesh::SurveyQuestion{self_.origin, survey_->number}});
  }
  tests_.begin(now, effects);
}

void Surveyor::answered(const mesh::Member& member, mesh::SurveyAnswer& answer) {
  if (!survey_ || answer.number != survey_->number) return;  // an answer to an earlier one
  const auto asked = survey_->members.find(member.origin);
  if (asked == survey_->members.end()) return;
  auto& known = asked->second;
  auto& seen = answer.seen;
  std::set<Origin> named;
  std::erase_if(seen.pairs, [&](const PairSeen& pair) {
    return !named.insert(pair.origin).second || !may_be_named(pair.origin);
  });
  seen.answered = true;
  seen.name = member.name;
  seen.host = std::move(known.host);
  seen.direct_port = known.direct_port;
  seen.state = known.state;
  known = std::move(seen);
}

bool Surveyor::may_be_named(const Origin& origin) {
  if (origin == self_.origin || survey_->members.contains(origin)) return true;
  auto& others = survey_->others;
  if (others.size() < base::limits::survey_members) others.insert(origin);
  return others.contains(origin);
}

// Again by one caller: its last question counts.
void Surveyor::asked(const mesh::SurveyQuestion& question, const mesh::RoutingId& route,
                     Instant now, Effects& effects) {
  std::erase_if(askers_, [&](const Asker& one) { return one.route == route; });
  if (askers_.size() == most_askers) return;
  askers_.push_back({route, question.number});
  tests_.begin(now, effects);
}

mesh::PathAnswer Surveyor::answer(const mesh::PathQuestion& question, Instant now) const {
  const auto time = static_cast<std::uint64_t>(std::max<std::int64_t>(clock(now), 0));
  return {self_.origin, time, question.large};
}

std::int64_t Surveyor::clock(Instant now) const {
  return std::chrono::duration_cast<std::chrono::microseconds>(now.time_since_epoch() +
                                                               clock_of_zero_)
      .count();
}

MemberSeen Surveyor::describe(Instant now) const {
  MemberSeen seen;
  seen.origin = self_.origin;
  seen.name = self_.name;
  seen.direct_port = self_.direct_port;
  seen.answered = true;
  seen.version = version();
  seen.reads = reads_;
  seen.announces = announces_;
  seen.refused = refusals_.recent(now);
  tests_.describe(seen, now);
  return seen;
}

void Surveyor::advance(Instant now, Effects& effects) {
  if (tests_.advance(now, effects)) {
    auto seen = describe(now);
    for (auto& asker : askers_) {
      effects.push_back(
          effect::ToRoute{std::move(asker.route), mesh::SurveyAnswer{asker.number, seen}});
    }
    askers_.clear();
    if (survey_ && !survey_->own) survey_->own = std::move(seen);
    tests_.end(effects);
  }
  if (survey_ && (survey_->complete() || now >= survey_->until)) finish(now, effects);
}

void Surveyor::finish(Instant now, Effects& effects) {
  Survey survey{.left_out = survey_->left_out, .took = now - survey_->begun};
  survey.members.push_back(survey_->own ? std::move(*survey_->own) : describe(now));
  for (auto& [origin, member] : survey_->members) {
    // One that has left meanwhile is no member any more.
    const auto* known = roster_.find(origin);
    if (known == nullptr || known->state == PeerState::left) continue;
    survey.members.push_back(std::move(member));
  }
  survey_.reset();
  effects.push_back(effect::Surveyed{std::move(survey)});
}

}  // namespace tidegate::node
