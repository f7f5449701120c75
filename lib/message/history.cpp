#include "tidegate/history.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "lib/base/limits.hpp"

namespace tidegate {
namespace {

using Entries = std::span<const HistoryEntry>;

bool match(const HistoryEntry& a, const HistoryEntry& b) {
  const bool same_begin = a.begin == b.begin || a.begin == 0 || b.begin == 0;
  const bool same_name = a.promoted == b.promoted || a.promoted == 0 || b.promoted == 0;
  return a.number == b.number && same_begin && same_name;
}

Entries from_timeline(Entries entries, TimelineId number) {
  const auto first = std::find_if(entries.begin(), entries.end(),
                                  [&](const HistoryEntry& e) { return e.number >= number; });
  return {first, entries.end()};
}

constexpr auto not_known = std::numeric_limits<std::uint64_t>::max();

std::uint64_t begin_of(const HistoryEntry& entry) {
  return entry.begin == 0 ? not_known : entry.begin;
}

Kinship nothing_in_common(Entries of, Entries to) {
  const auto timeline = [](Entries entries) { return entries.empty() ? 0 : entries.back().number; };
  if (timeline(of) < timeline(to)) return {Kinship::Kind::ancestor, 0};
  return {Kinship::Kind::descendant, not_known};
}

}  // namespace

Result<History> History::of(std::vector<HistoryEntry> entries) {
  if (entries.empty()) return Error{"a history needs at least one timeline"};
  if (entries.size() > base::limits::history_entries) {
    return Error{"a history has more than " + std::to_string(base::limits::history_entries) +
                 " timelines; leave out the oldest"};
  }
  const auto wrong = std::adjacent_find(
      entries.begin(), entries.end(),
      [](const auto& a, const auto& b) { return a.number >= b.number || a.begin > b.begin; });
  if (entries.front().number == 0 || wrong != entries.end()) {
    return Error{"the timelines of a history have rising numbers and begin one behind the other"};
  }
  return History(std::move(entries));
}

History::History(std::vector<HistoryEntry> entries)
    : entries_(std::make_shared<const std::vector<HistoryEntry>>(std::move(entries))) {}

bool History::complete() const {
  const auto all = entries();
  if (all.empty() || all.front().number != 1) return false;
  return std::all_of(all.begin() + 1, all.end(),
                     [](const HistoryEntry& e) { return e.begin != 0 && e.promoted != 0; });
}

bool History::number_alone() const {
  const auto all = entries();
  return all.size() == 1 && all.front() == HistoryEntry{timeline(), 0, 0} && timeline() != 1;
}

Kinship kinship(Entries of, Entries to) {
  if (of.empty() || to.empty()) return nothing_in_common(of, to);
  const auto first = std::max(of.front().number, to.front().number);
  const auto a = from_timeline(of, first);
  const auto b = from_timeline(to, first);
  if (a.empty() || b.empty()) return nothing_in_common(of, to);
  const auto [fork_a, fork_b] = std::mismatch(a.begin(), a.end(), b.begin(), b.end(), match);
  if (fork_a == a.end() && fork_b == b.end()) return {};
  if (fork_a == a.end()) return {Kinship::Kind::ancestor, fork_b->begin};
  if (fork_b == b.end()) return {Kinship::Kind::descendant, begin_of(*fork_a)};
  return {Kinship::Kind::apart, std::min(begin_of(*fork_a), begin_of(*fork_b))};
}

}  // namespace tidegate
