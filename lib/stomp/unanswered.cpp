#include "lib/stomp/unanswered.hpp"

#include <utility>

namespace tidegate::stomp {

Tag Unanswered::add(Shared receipt) {
  ++receipt->open;
  open_.emplace(++last_, std::move(receipt));
  return last_;
}

Unanswered::Shared Unanswered::sent(Tag tag, std::uint64_t sequence,
                                    const std::optional<Position>& position) {
  const auto entry = open_.find(tag);
  if (entry == open_.end()) return nullptr;
  auto& receipt = *entry->second;
  receipt.sequence = sequence;
  receipt.position = position;
  return receipt.acknowledged ? nullptr : close(entry);
}

Unanswered::Shared Unanswered::received(Tag tag, std::string_view without) {
  const auto entry = open_.find(tag);
  if (entry == open_.end()) return nullptr;
  auto& names = entry->second->without;
  if (!without.empty() && names.find(without) == std::string::npos) {
    names.append(names.empty() ? "" : ", ").append(without);
  }
  return close(entry);
}

Unanswered::Shared Unanswered::covered(Tag tag, std::string_view covered, std::string_view behind) {
  const auto entry = open_.find(tag);
  if (entry == open_.end()) return nullptr;
  entry->second->covered = covered;
  entry->second->behind = behind;
  return close(entry);
}

Unanswered::Shared Unanswered::done(Tag tag) {
  const auto entry = open_.find(tag);
  return entry == open_.end() ? nullptr : close(entry);
}

Unanswered::Shared Unanswered::lost(Tag tag) {
  const auto entry = open_.find(tag);
  if (entry == open_.end()) return nullptr;
  auto receipt = entry->second;
  (void)close(entry);
  receipt->lost = true;
  return receipt;
}

Unanswered::Shared Unanswered::close(Entry entry) {
  auto receipt = std::move(entry->second);
  open_.erase(entry);
  return --receipt->open == 0 && !receipt->lost ? receipt : nullptr;
}

}  // namespace tidegate::stomp
