#include "lib/gate/branches.hpp"

#include <algorithm>

#include "lib/base/must.hpp"
#include "lib/message/position_order.hpp"

namespace tidegate::gate {
namespace {

auto of(const Position& place) {
  return [&place](const auto& branch) { return message::same_branch(branch.place, place); };
}

}  // namespace

void Branches::add(const Awaited& awaited) {
  if (awaited.own) add(*awaited.own);
  if (awaited.inherited) add(*awaited.inherited);
}

void Branches::remove(const Awaited& awaited) {
  if (awaited.own) remove(*awaited.own);
  if (awaited.inherited) remove(*awaited.inherited);
}

void Branches::add(const Position& place) {
  const auto found = std::find_if(all_.begin(), all_.end(), of(place));
  if (found == all_.end()) {
    all_.push_back({place, 1});
  } else {
    ++found->count;
  }
}

void Branches::remove(const Position& place) {
  const auto found = std::find_if(all_.begin(), all_.end(), of(place));
  TIDEGATE_MUST(found != all_.end());
  if (--found->count == 0) all_.erase(found);
}

bool Branches::all_of(const Tide& tide) const {
  return std::all_of(all_.begin(), all_.end(), [&](const Branch& branch) {
    return branch.place.kind == tide.incarnation.kind &&
           branch.place.cluster == tide.incarnation.cluster &&
           kinship(branch.place.history, tide.history).kind == Kinship::Kind::same;
  });
}

}  // namespace tidegate::gate
