#include "lib/outbox/delivered_set.hpp"

#include <algorithm>
#include <iterator>

namespace tidegate::outbox {

void DeliveredSet::add(Range range) {
  auto at = ranges_.upper_bound(range.first);
  if (at != ranges_.begin() && std::prev(at)->second.last >= range.first - 1) --at;
  while (at != ranges_.end() && at->first - 1 <= range.last) {
    range.first = std::min(range.first, at->first);
    range.last = std::max(range.last, at->second.last);
    range.highest = std::max(range.highest, at->second.highest);
    ids_ -= at->second.last - at->first + 1;
    at = ranges_.erase(at);
  }
  ids_ += range.last - range.first + 1;
  ranges_.emplace(range.first, End{range.last, range.highest});
}

void DeliveredSet::forget_before(TransactionId settled) {
  std::erase_if(ranges_, [&](const auto& range) {
    const bool over = range.second.highest < settled;
    if (over) ids_ -= range.second.last - range.first + 1;
    return over;
  });
}

bool DeliveredSet::has(std::uint64_t id) const {
  const auto behind = ranges_.upper_bound(id);
  return behind != ranges_.begin() && std::prev(behind)->second.last >= id;
}

TransactionId DeliveredSet::highest() const {
  TransactionId highest = 0;
  for (const auto& [first, end] : ranges_) highest = std::max(highest, end.highest);
  return highest;
}

std::vector<DeliveredSet::Range> DeliveredSet::ranges() const {
  std::vector<Range> all;
  for (const auto& [first, end] : ranges_) all.push_back({first, end.last, end.highest});
  return all;
}

}  // namespace tidegate::outbox
