#include "command/doors/subscriptions.hpp"

#include <algorithm>

#include "lib/base/must.hpp"

namespace tidegate::doors {

void PeerPatterns::add(const Pattern& pattern) {
  for (auto& [known, count] : counts_) {
    if (!(known == pattern)) continue;
    ++count;
    return;
  }
  counts_.emplace_back(pattern, 1);
  peer_.subscribe(pattern);
}

void PeerPatterns::remove(const Pattern& pattern) {
  const auto found = std::find_if(counts_.begin(), counts_.end(),
                                  [&](const auto& entry) { return entry.first == pattern; });
  TIDEGATE_MUST(found != counts_.end());
  if (--found->second != 0) return;
  counts_.erase(found);
  peer_.unsubscribe(pattern);
}

void Subscriptions::add(const Pattern& pattern) {
  all_.add(pattern);
  own_.push_back(pattern);
}

void Subscriptions::remove(const Pattern& pattern) {
  const auto found = std::find(own_.begin(), own_.end(), pattern);
  if (found == own_.end()) return;
  own_.erase(found);
  all_.remove(pattern);
}

bool Subscriptions::want(const Delivery& delivery) const {
  return all_.for_all(delivery) && std::any_of(own_.begin(), own_.end(), [&](const auto& pattern) {
           return pattern.matches(delivery.message.topic);
         });
}

}  // namespace tidegate::doors
