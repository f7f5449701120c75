#include "lib/stomp/settled.hpp"

#include <algorithm>
#include <iterator>

namespace tidegate::stomp {

void Settled::settle(Range range) {
  if (range.first > next_) {
    auto at = above_.upper_bound(range.first);
    if (at != above_.begin() && std::prev(at)->second + 1 >= range.first) --at;
    while (at != above_.end() && at->first <= range.last + 1) {
      range.first = std::min(range.first, at->first);
      range.last = std::max(range.last, at->second);
      at = above_.erase(at);
    }
    above_.emplace(range.first, range.last);
    return;
  }
  next_ = std::max(next_, range.last + 1);
  while (!above_.empty() && above_.begin()->first <= next_) {
    next_ = std::max(next_, above_.begin()->second + 1);
    above_.erase(above_.begin());
  }
}

bool Settled::has(std::uint64_t sequence) const {
  if (sequence < next_) return true;
  const auto behind = above_.upper_bound(sequence);
  return behind != above_.begin() && std::prev(behind)->second >= sequence;
}

std::vector<Settled::Range> Settled::open_parts(Range range) const {
  std::vector<Range> parts;
  auto from = std::max(range.first, next_);
  for (const auto& [first, last] : above_) {
    if (first > range.last) break;
    if (from < first) parts.push_back({from, first - 1});
    from = std::max(from, last + 1);
  }
  if (from <= range.last) parts.push_back({from, range.last});
  return parts;
}

std::vector<Settled::Range> Settled::above() const {
  std::vector<Range> all;
  for (const auto& [first, last] : above_) all.push_back({first, last});
  return all;
}

}  // namespace tidegate::stomp
