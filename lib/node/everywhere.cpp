#include "lib/node/everywhere.hpp"

#include <algorithm>
#include <utility>

namespace tidegate::node {
namespace {

constexpr Duration first_pause = std::chrono::milliseconds(20);
constexpr Duration longest_pause = std::chrono::seconds(1);

bool lost(const MemberCovered& member) {
  return member.covered == Covered::orphaned || member.covered == Covered::in_doubt;
}

}  // namespace

void Everywhere::ask(Ticket ticket, const Position& position, Instant until) {
  Question question{position, until, {}};
  auto& own = question.asked[self_].member;
  own.origin = self_;
  own.name = name_;
  questions_.emplace(ticket, std::move(question));
  news_ = true;
}

bool Everywhere::own(Ticket ticket, std::optional<Covered> covered) {
  const auto question = questions_.find(ticket);
  if (question == questions_.end()) return false;
  auto& member = question->second.asked[self_].member;
  member.answered = true;
  member.reads = covered.has_value();
  member.covered = covered.value_or(Covered::unknown);
  news_ = true;
  return true;
}

void Everywhere::answered(const mesh::Member& member, const mesh::CoverageAnswer& answer) {
  const auto question = questions_.find(answer.number);
  if (question == questions_.end()) return;  // an answer to an earlier one
  const auto asked = question->second.asked.find(member.origin);
  if (asked == question->second.asked.end()) return;
  auto& known = asked->second.member;
  const bool first = !std::exchange(known.answered, true);
  known.reads = answer.covered.has_value();
  known.covered = answer.covered.value_or(Covered::unknown);
  news_ = news_ || first || !asked->second.open();
}

// Members come and leave.
void Everywhere::look_around(Question& question) {
  std::erase_if(question.asked, [this](const auto& one) {
    if (one.first == self_) return false;
    const auto* member = roster_.find(one.first);
    return member == nullptr || member->state == PeerState::left;
  });
  for (const auto& [origin, member] : roster_.members()) {
    if (member.departed()) continue;
    auto& known = question.asked[origin].member;
    known.origin = origin;
    known.name = member.name;
    known.address = member.address();
  }
}

void Everywhere::ask_members(Ticket ticket, Question& question, Instant now, Effects& effects) {
  for (auto& [origin, asked] : question.asked) {
    if (origin == self_ || !asked.open()) continue;
    const auto* member = roster_.find(origin);
    if (now >= asked.ask_at) {
      asked.pause =
          asked.pause == Duration::zero() ? first_pause : std::min(2 * asked.pause, longest_pause);
      asked.ask_at = now + asked.pause;
      if (member->met && member->link) {  // nothing counts before it knows this peer
        effects.push_back(effect::ToLink{*member->link,
                                         mesh::CoverageQuestion{self_, ticket, question.position}});
      }
    }
    wake_at_ = std::min(wake_at_, asked.ask_at);
  }
}

// Nobody can change the answer any more.
bool Everywhere::done(const Question& question) {
  const auto all_of = [&](auto&& is) {
    return std::all_of(question.asked.begin(), question.asked.end(),
                       [&](const auto& one) { return is(one.second); });
  };
  if (all_of([](const Asked& asked) { return !asked.open(); })) return true;
  return all_of([](const Asked& asked) { return asked.member.answered; }) &&
         !all_of([](const Asked& asked) { return !lost(asked.member); });
}

Coverage Everywhere::coverage(Ticket ticket, const Question& question) {
  Coverage coverage{ticket, Covered::unknown, {}};
  bool open = false;
  for (const auto& [origin, asked] : question.asked) {
    coverage.members.push_back(asked.member);
    open = open || asked.open();
  }
  const auto some = [&](Covered covered) {
    return std::any_of(coverage.members.begin(), coverage.members.end(),
                       [&](const MemberCovered& member) { return member.covered == covered; });
  };
  for (const auto worst : {Covered::orphaned, Covered::in_doubt}) {
    if (!some(worst)) continue;
    coverage.covered = worst;
    return coverage;
  }
  if (open) {
    coverage.covered = Covered::pending;
  } else if (some(Covered::visible)) {
    coverage.covered = Covered::visible;
  } else if (some(Covered::foreign)) {
    coverage.covered = Covered::foreign;
  }
  return coverage;
}

void Everywhere::advance_due(Instant now, ReceiverHalf& receiver, Effects& effects) {
  news_ = false;
  wake_at_ = never;
  for (auto i = questions_.begin(); i != questions_.end();) {
    auto& [ticket, question] = *i;
    look_around(question);
    if (now >= question.until || done(question)) {
      effects.push_back(effect::Notify{coverage(ticket, question)});
      receiver.forget(ticket, question.position);
      i = questions_.erase(i);
      continue;
    }
    ask_members(ticket, question, now, effects);
    wake_at_ = std::min(wake_at_, question.until);
    ++i;
  }
}

void Everywhere::give_up(Effects& effects) {
  for (auto& [ticket, question] : questions_) {
    effects.push_back(effect::Notify{coverage(ticket, question)});
  }
  questions_.clear();
  wake_at_ = never;
  news_ = false;
}

}  // namespace tidegate::node
