#include "lib/gate/branches.hpp"

#include <cstddef>

#include "lib/base/limits.hpp"
#include "lib/base/must.hpp"

namespace tidegate::gate {
void Branches::add(const Awaited& awaited) {
  if (awaited.own) add(awaited.own->branch);
  if (awaited.inherited) add(awaited.inherited->branch);
}

void Branches::remove(const Awaited& awaited) {
  if (awaited.own) remove(awaited.own->branch);
  if (awaited.inherited) remove(awaited.inherited->branch);
}

// The first one, nearly always.
std::size_t Branches::find(const Branch& branch) const {
  std::size_t index = 0;
  while (index < all_.size() && !(all_[index].branch == branch)) ++index;
  return index;
}

void Branches::add(const Branch& branch) {
  const auto found = find(branch);
  if (found == all_.size()) return all_.push_back({branch, 1});
  ++all_[found].count;
}

void Branches::remove(const Branch& branch) {
  const auto found = find(branch);
  TIDEGATE_MUST(found < all_.size());
  if (--all_[found].count > 0) return;
  all_.erase(all_.begin() + static_cast<std::ptrdiff_t>(found));
}

bool Branches::take(const std::optional<Position>& own,
                    const std::optional<Position>& inherited) const {
  if (all_.size() + 2 <= base::limits::held_branches) return true;
  const auto known = [this](const std::optional<Position>& position) {
    return !position || find(position->branch) < all_.size();
  };
  return known(own) && known(inherited);
}

bool Branches::all_of(const Tide& tide) const {
  for (const auto& [branch, count] : all_) {
    const bool same = branch.kind() == tide.incarnation.kind &&
                      branch.cluster() == tide.incarnation.cluster &&
                      kinship(branch.history(), tide.history).kind == Kinship::Kind::same;
    if (!same) return false;
  }
  return true;
}

}  // namespace tidegate::gate
