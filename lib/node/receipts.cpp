#include "lib/node/receipts.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace tidegate::node {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

// From one question to the next of the same member, if it answers: what it answers meanwhile is
// asked for at once. Members allow so many bytes in a second (peer/carriers/zeromq/guard.hpp).
constexpr Duration answered_pause = microseconds(500);
// And if it does not.
constexpr Duration first_pause = milliseconds(200);
constexpr Duration longest_pause = milliseconds(1600);

// Beyond so many ranges those of one member are told as one, so that it is named for messages in
// between, too, though it has them.
constexpr std::size_t most_lacking = 1024;

constexpr auto all = std::numeric_limits<std::uint64_t>::max();

// Its silence tells nothing yet.
bool may_answer(const mesh::Roster& roster, const Origin& origin) {
  const auto found = roster.members().find(origin);
  if (found == roster.members().end()) return false;
  const auto state = found->second.state;
  return state == PeerState::ready || state == PeerState::hello;
}

}  // namespace

void Receipts::await(Ticket ticket, std::uint64_t sequence, const mesh::Roster& roster) {
  if (waiting_.empty() || roster.changes() != added_at_) {
    give_up_silent(roster);
    add_ready(sequence, roster);
    added_at_ = roster.changes();
  }
  waiting_.push_back({ticket, sequence});
  for (const auto& [origin, reader] : readers_) {
    if (reader.asked == 0) ask_at_ = std::min(ask_at_, reader.ask_at);
  }
}

// The messages before it don't wait for one that has become ready since. While none waited the
// readers were kept for the times of their questions alone.
void Receipts::add_ready(std::uint64_t sequence, const mesh::Roster& roster) {
  const bool first = waiting_.empty();
  std::map<Origin, Reader> before;
  if (first) before.swap(readers_);
  for (const auto& [origin, member] : roster.members()) {
    if (member.state != PeerState::ready) continue;
    const auto [added, is_new] = readers_.try_emplace(origin, Reader{member.name, sequence - 1});
    if (const auto known = before.find(origin); is_new && known != before.end()) {
      added->second.ask_at = known->second.asked_at + answered_pause;
    }
  }
}

void Receipts::give_up_silent(const mesh::Roster& roster) {
  std::erase_if(readers_, [&](const auto& one) {
    const auto& [origin, reader] = one;
    if (may_answer(roster, origin)) return false;
    lacks(origin, reader, waiting_.empty() ? 0 : waiting_.back().sequence,
          Received::Without::Why::gone);
    return true;
  });
}

void Receipts::lacks(const Origin& origin, const Reader& reader, std::uint64_t last,
                     Received::Without::Why why) {
  const auto first = std::partition_point(
      waiting_.begin(), waiting_.end(),
      [&](const Waiting& waiting) { return waiting.sequence <= reader.confirmed; });
  if (first == waiting_.end() || first->sequence > last) return;
  if (lacking_.size() >= most_lacking) {
    const auto before = std::find_if(lacking_.begin(), lacking_.end(), [&](const Lacking& one) {
      return one.who.origin == origin && one.who.why == why;
    });
    if (before != lacking_.end()) {
      before->last = last;
      return;
    }
  }
  lacking_.push_back({{origin, reader.name, why}, first->sequence, last});
}

void Receipts::answered(const mesh::Receipt& receipt, std::uint64_t published, Instant now) {
  const auto found = readers_.find(receipt.origin);
  if (found == readers_.end() || found->second.asked == 0) return;
  auto& reader = found->second;
  if (receipt.first > reader.confirmed + 1) {
    lacks(receipt.origin, reader, receipt.first - 1, Received::Without::Why::missed);
  }
  reader.confirmed = std::max(reader.confirmed, std::min(receipt.last, published));
  if (receipt.last < reader.asked) return;
  reader.asked = 0;
  reader.ask_at = std::max(now, reader.asked_at + answered_pause);
  if (!waiting_.empty()) ask_at_ = std::min(ask_at_, reader.ask_at);
}

void Receipts::settle(const mesh::Roster& roster, Effects& effects) {
  if (waiting_.empty()) return;
  if (roster.changes() != settled_at_) {
    give_up_silent(roster);
    settled_at_ = roster.changes();
  }
  report(effects);
}

void Receipts::report(Effects& effects) {
  auto confirmed = all;
  for (const auto& [origin, reader] : readers_) confirmed = std::min(confirmed, reader.confirmed);
  while (!waiting_.empty() && waiting_.front().sequence <= confirmed) {
    const auto [ticket, sequence] = waiting_.front();
    waiting_.pop_front();
    Received received{ticket, {}};
    for (const auto& lacking : lacking_) {
      if (lacking.first <= sequence && sequence <= lacking.last) {
        received.without.push_back(lacking.who);
      }
    }
    effects.push_back(effect::Notify{std::move(received)});
  }
  if (waiting_.empty()) {
    lacking_.clear();
    ask_at_ = never;
  } else {
    std::erase_if(lacking_,
                  [&](const Lacking& lacking) { return lacking.last < waiting_.front().sequence; });
  }
}

void Receipts::ask(const Origin& self, const mesh::Roster& roster, Instant now, Effects& effects) {
  if (now < ask_at_) return;
  ask_at_ = never;
  const auto last = waiting_.back().sequence;
  for (auto& [origin, reader] : readers_) {
    if (reader.confirmed >= last) continue;
    if (now >= reader.ask_at) {
      const auto member = roster.members().find(origin);
      if (member != roster.members().end() && member->second.link) {
        effects.push_back(effect::ToLink{*member->second.link, mesh::ReceiptRequest{self, last}});
      }
      reader.pause = reader.asked == 0 ? first_pause : std::min(2 * reader.pause, longest_pause);
      reader.asked = last;
      reader.asked_at = now;
      reader.ask_at = now + reader.pause;
    }
    ask_at_ = std::min(ask_at_, reader.ask_at);
  }
}

void Receipts::give_up(Effects& effects) {
  if (waiting_.empty()) return;
  for (const auto& [origin, reader] : readers_) {
    lacks(origin, reader, waiting_.back().sequence, Received::Without::Why::left);
  }
  readers_.clear();
  report(effects);
}

}  // namespace tidegate::node
