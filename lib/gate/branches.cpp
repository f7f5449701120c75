#include "lib/gate/branches.hpp"

#include <algorithm>

#include "lib/base/must.hpp"

namespace tidegate::gate {
namespace {

auto of(const Branch& branch) {
  return [&branch](const auto& counted) { return counted.branch == branch; };
}

}  // namespace

void Branches::add(const Awaited& awaited) {
  if (awaited.own) add(awaited.own->branch);
  if (awaited.inherited) add(awaited.inherited->branch);
}

void Branches::remove(const Awaited& awaited) {
  if (awaited.own) remove(awaited.own->branch);
  if (awaited.inherited) remove(awaited.inherited->branch);
}

void Branches::add(const Branch& branch) {
  const auto found = std::find_if(all_.begin(), all_.end(), of(branch));
  if (found == all_.end()) {
    all_.push_back({branch, 1});
  } else {
    ++found->count;
  }
}

void Branches::remove(const Branch& branch) {
  const auto found = std::find_if(all_.begin(), all_.end(), of(branch));
  TIDEGATE_MUST(found != all_.end());
  if (--found->count == 0) all_.erase(found);
}

bool Branches::take(const std::optional<Position>& own, const std::optional<Position>& inherited,
                    std::size_t most) const {
  if (all_.size() + 2 <= most) return true;
  const auto known = [this](const std::optional<Position>& position) {
    return !position || std::any_of(all_.begin(), all_.end(), of(position->branch));
  };
  return known(own) && known(inherited);
}

bool Branches::all_of(const Tide& tide) const {
  return std::all_of(all_.begin(), all_.end(), [&](const Counted& one) {
    return one.branch.kind() == tide.incarnation.kind &&
           one.branch.cluster() == tide.incarnation.cluster &&
           kinship(one.branch.history(), tide.history).kind == Kinship::Kind::same;
  });
}

}  // namespace tidegate::gate
