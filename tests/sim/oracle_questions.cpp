// The part of the oracle that judges the answers to questions whether a position is covered.
#include <algorithm>

#include "lib/base/saturated.hpp"
#include "tests/sim/database.hpp"
#include "tests/sim/oracle.hpp"

namespace tidegate::sim {
namespace {

// Of a question without a timeout, or that asks everywhere.
constexpr Duration least_time = std::chrono::seconds(1);
// A peer may have been stalled, and healed.
constexpr Duration patience = std::chrono::seconds(1);

}  // namespace

void Oracle::asked(LifeId id, Ticket ticket, const Position& position, Duration timeout,
                   Where where, Instant now) {
  const auto until = base::later(now, std::max(timeout, least_time));
  auto& life = lives_[id];
  life.questions.emplace(ticket, Question{position, until, where, life.servers});
}

void Oracle::covered(LifeId id, const Coverage& coverage) {
  auto& life = lives_[id];
  const auto who = life.birth.name + ": question " + std::to_string(coverage.ticket);
  const auto asked = life.questions.extract(coverage.ticket);
  if (asked.empty()) return fail("N1", who + " is answered, but is not open");
  ++totals_.questions;
  const auto& question = asked.mapped();
  if (question.where == Where::here) {
    return check_covered(life, question.position, coverage.covered, who);
  }
  bool visible = false;
  for (const auto& member : coverage.members) {
    if (member.origin == life.birth.origin) {
      // Each member answers once for good, so an answer may be older than the server now.
      const bool known = member.reads && life.shown && life.servers == question.servers;
      check_covered(life, question.position, known ? member.covered : Covered::unknown, who);
    } else if (const auto other = life_of(member.origin)) {
      if (member.answered && member.reads != lives_[*other].birth.gated) {
        fail("N1", who + " has another word of " + member.name + " than it has a server");
      }
    } else {
      fail("N1", who + " names somebody who was never there");
    }
    visible = visible || (member.reads && member.covered == Covered::visible);
    const bool open = !member.answered || (member.reads && (member.covered == Covered::pending ||
                                                            member.covered == Covered::unknown));
    if (open && coverage.covered == Covered::visible) {
      fail("S1", who + " is visible everywhere, though not at " + member.name);
    }
  }
  if (coverage.covered == Covered::visible && !visible) {
    fail("S1", who + " is visible everywhere, and nowhere");
  }
}

// By the reading that the peer was given last.
void Oracle::check_covered(const Life& life, const Position& position, Covered covered,
                           const std::string& who) {
  const auto said = who + " at " + to_string(position) + " is " + std::string(to_string(covered));
  if (covered == Covered::unknown) return;
  if (!life.birth.gated || !life.shown) return fail("S1", said + " without a reading");
  const bool shown = shows(life.shown, position);
  const bool lost = lost_at(*life.shown, position);
  const auto seen = " when the server showed " + text_of(life.shown->lsn);
  switch (covered) {
    case Covered::visible:
      if (!shown) fail(lost ? "S2" : "S1", said + seen);
      break;
    case Covered::pending:
      if (shown) fail("L1", said + seen);
      break;
    case Covered::orphaned:
      if (shown || !lost || could_be_there(*life.shown, position)) fail("N1", said + seen);
      break;
    case Covered::in_doubt:
      if (shown || !lost) fail("N1", said + seen);
      break;
    case Covered::foreign:
      if (position.cluster() == life.birth.system) fail("N1", said + seen);
      break;
    case Covered::unknown:
      break;
  }
}

void Oracle::finish_questions(Instant now) {
  for (const auto& life : lives_) {
    if (!life.alive || life.leaving) continue;
    for (const auto& [ticket, question] : life.questions) {
      if (now < base::later(question.until, patience)) continue;
      fail("L1", life.birth.name + ": question " + std::to_string(ticket) + " is never answered");
    }
  }
}

}  // namespace tidegate::sim
