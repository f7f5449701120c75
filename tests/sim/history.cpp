#include "tests/sim/history.hpp"

#include <algorithm>

#include "lib/base/must.hpp"

namespace tidegate::sim {

void History::found(std::uint64_t system, std::uint64_t start) {
  clusters_.push_back({system, {{0, start, {}}}});
}

History::Cluster& History::cluster(std::uint64_t system) {
  const auto found = std::find_if(clusters_.begin(), clusters_.end(),
                                  [&](const Cluster& c) { return c.system == system; });
  TIDEGATE_MUST(found != clusters_.end());
  return *found;
}

const History::Timeline& History::timeline(std::uint64_t system, std::uint32_t number) const {
  const auto& timelines = const_cast<History*>(this)->cluster(system).timelines;
  TIDEGATE_MUST(number >= 1 && number <= timelines.size());
  return timelines[number - 1];
}

std::uint32_t History::branch(const Place& from) {
  auto& timelines = cluster(from.system).timelines;
  timelines.push_back({from.timeline, from.lsn, {}});
  return static_cast<std::uint32_t>(timelines.size());
}

std::uint64_t History::write(std::uint64_t system, std::uint32_t number, std::uint64_t bytes,
                             bool is_change, ChangeId& change) {
  auto& line = cluster(system).timelines[number - 1];
  const auto begin = line.records.empty() ? line.begin : line.records.back().end;
  const auto end = begin + bytes;
  change = no_such_change;
  if (is_change) {
    change = static_cast<ChangeId>(changes_.size());
    changes_.push_back({{system, number, end}, false, begin});
  }
  line.records.push_back({end, change});
  return end;
}

void History::cut_off(std::uint64_t system, std::uint32_t number, std::uint64_t flushed) {
  auto& records = cluster(system).timelines[number - 1].records;
  while (!records.empty() && records.back().end > flushed) {
    if (records.back().change != no_such_change) changes_[records.back().change].erased = true;
    records.pop_back();
  }
}

std::uint64_t History::end(std::uint64_t system, std::uint32_t number) const {
  const auto& line = timeline(system, number);
  return line.records.empty() ? line.begin : line.records.back().end;
}

std::uint64_t History::begin(std::uint64_t system, std::uint32_t number) const {
  return timeline(system, number).begin;
}

std::uint64_t History::whole(std::uint64_t system, std::uint32_t number, std::uint64_t lsn) const {
  const auto& line = timeline(system, number);
  const auto beyond = std::find_if(line.records.rbegin(), line.records.rend(),
                                   [&](const Record& record) { return record.end <= lsn; });
  return beyond == line.records.rend() ? std::min(line.begin, lsn) : beyond->end;
}

std::uint64_t History::boundary(std::uint64_t system, std::uint32_t number, std::uint64_t from,
                                std::uint64_t to, std::uint64_t choice) const {
  const auto& records = timeline(system, number).records;
  const auto lag = [](std::uint64_t lsn, const Record& record) { return lsn < record.end; };
  const auto first = std::upper_bound(records.begin(), records.end(), from, lag);
  const auto last = std::upper_bound(first, records.end(), to, lag);
  if (first == last) return to;
  const auto count = static_cast<std::uint64_t>(last - first);
  return first[static_cast<std::ptrdiff_t>(choice % count)].end;
}

std::vector<History::Step> History::way_to(std::uint64_t system, std::uint32_t number) const {
  std::vector<Step> way = {{number, 0, 0, 0}};
  while (way.back().timeline != 1) {
    auto& last = way.back();
    const auto& line = timeline(system, last.timeline);
    last.begin = line.begin;
    last.promoted = std::int64_t{last.timeline} * 1'000'000;
    way.push_back({line.parent, 0, 0, 0});
  }
  std::reverse(way.begin(), way.end());
  std::uint32_t next = 1;
  for (auto& step : way) step.number = next++;
  return way;
}

std::uint32_t History::next_towards(std::uint64_t system, std::uint32_t from,
                                    std::uint32_t to) const {
  while (to != 1) {
    const auto parent = timeline(system, to).parent;
    if (parent == from) return to;
    to = parent;
  }
  return 0;
}

std::uint32_t History::timeline_promoted(std::uint64_t system, std::int64_t promoted) const {
  const auto& timelines = const_cast<History*>(this)->cluster(system).timelines;
  for (std::uint32_t number = 2; number <= timelines.size(); ++number) {
    if (way_to(system, number).back().promoted == promoted) return number;
  }
  return 1;
}

bool History::contains(const Place& place, std::uint32_t number, std::uint64_t lsn) const {
  if (number == place.timeline) return lsn <= place.lsn;
  const auto next = next_towards(place.system, number, place.timeline);
  return next != 0 && lsn <= begin(place.system, next) && lsn <= place.lsn;
}

bool History::excludes(const Place& place, std::uint32_t number, std::uint64_t lsn) const {
  if (number == place.timeline) return false;
  const auto next = next_towards(place.system, number, place.timeline);
  if (next != 0) return lsn > begin(place.system, next);
  // Not an ancestor: gone for good, unless the place is still on its way there.
  const auto fork = next_towards(place.system, place.timeline, number);
  return fork == 0 || place.lsn > begin(place.system, fork);
}

bool History::shows(const Place& place, ChangeId id) const {
  const auto& it = changes_[id];
  return !it.erased && it.place.system == place.system &&
         contains(place, it.place.timeline, it.place.lsn);
}

bool History::undone(const Place& place, ChangeId id) const {
  const auto& it = changes_[id];
  return it.erased || it.place.system != place.system ||
         excludes(place, it.place.timeline, it.place.lsn);
}

}  // namespace tidegate::sim
