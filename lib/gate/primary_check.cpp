#include "lib/gate/primary_check.hpp"

#include <algorithm>
#include <utility>

#include "lib/gate/visibility.hpp"
#include "lib/message/position_order.hpp"

namespace tidegate::gate {
namespace {

using Kind = Kinship::Kind;

// A mesh has one or two histories at a time. Of more than these the oldest is forgotten.
constexpr std::size_t most_seen = 16;

bool same_cluster(const Branch& a, const Branch& b) {
  return a.kind() == b.kind() && a.cluster() == b.cluster();
}

bool same_cluster(const Branch& a, const Tide& tide) {
  return a.kind() == tide.incarnation.kind && a.cluster() == tide.incarnation.cluster;
}

// The first one is known to have ended where the second one goes on. A timeline that nobody can
// have come to since proves nothing.
bool is_past(const Branch& old, const Branch& later) {
  const auto from = old.history().timeline();
  const auto to = later.history().timeline();
  if (to > from && to - from > most_promotions_ahead) return false;
  return same_cluster(old, later) && kinship(old.history(), later.history()).kind == Kind::ancestor;
}

bool is_past(const Branch& old, const Tide& tide) {
  return same_cluster(old, tide) && kinship(old.history(), tide.history).kind == Kind::ancestor;
}

// The server has the primary's history, and can't follow one that leaves it at that place. (A place
// that is not known, since the position names its timeline by number only, may be anywhere.)
bool excludes(const Tide& tide, const Branch& primary, std::uint64_t left_at) {
  return same_cluster(primary, tide) &&
         kinship(tide.history, primary.history()).kind == Kind::same && tide.replayed > left_at;
}

}  // namespace

bool PrimaryCheck::seen(const Position& position) {
  const auto& branch = position.branch;
  if (!seen_.empty() && seen_.back().branch == branch) return false;
  // At the very begin of its last timeline it says nothing of that.
  if (message::way_to(position).size() != position.history().entries().size()) return false;
  for (const auto& one : seen_) {
    if (is_past(branch, one.branch)) return false;
    if (same_cluster(branch, one.branch) &&
        kinship(branch.history(), one.branch.history()).kind == Kind::same) {
      return false;
    }
  }
  std::erase_if(seen_,
                [&](const Seen& one) { return !one.given_up && is_past(one.branch, branch); });
  if (seen_.size() == most_seen) seen_.erase(seen_.begin());
  seen_.push_back({branch});
  return true;
}

std::optional<PrimaryCheck::Objection> PrimaryCheck::objection_to(const Branch& primary,
                                                                  const std::optional<Tide>& tide) {
  if (!primary.history().known()) return std::nullopt;
  if (tide && is_past(primary, *tide) && !is_trusted_beyond(tide->history)) {
    return Objection{tide->history, true};
  }
  for (auto& one : seen_) {
    if (one.given_up || !is_past(primary, one.branch)) continue;
    const auto left_at = kinship(primary.history(), one.branch.history()).left_at;
    if (!tide || !excludes(*tide, primary, left_at)) return Objection{one.branch.history(), false};
    one.given_up = true;
    given_up_.push_back(one.branch.history());
  }
  return std::nullopt;
}

void PrimaryCheck::trust(const Branch& primary, const std::optional<Tide>& tide) {
  if (tide && is_past(primary, *tide) && !is_trusted_beyond(tide->history)) {
    seen_.push_back({Branch(primary.kind(), primary.cluster(), tide->history)});
  }
  for (auto& one : seen_) {
    if (!is_past(primary, one.branch)) continue;
    one.by_operator = true;
    if (!std::exchange(one.given_up, true)) given_up_.push_back(one.branch.history());
  }
}

bool PrimaryCheck::is_trusted_beyond(const History& history) const {
  return std::any_of(seen_.begin(), seen_.end(), [&](const Seen& one) {
    return one.by_operator && kinship(one.branch.history(), history).kind == Kind::same;
  });
}

std::vector<History> PrimaryCheck::take_given_up() { return std::exchange(given_up_, {}); }

}  // namespace tidegate::gate
