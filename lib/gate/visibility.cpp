#include "lib/gate/visibility.hpp"

#include <algorithm>

#include "lib/base/must.hpp"
#include "lib/gate/visibility_postgres.hpp"
#include "lib/message/position_order.hpp"

namespace tidegate::gate {

Position place_of(const Tide& tide) {
  return {Branch(tide.incarnation.kind, tide.incarnation.cluster, tide.history), tide.replayed};
}

Visibility visibility_of(const Position& position, const Tide& tide) {
  const auto& server = tide.incarnation;
  if (position.kind() != server.kind || position.cluster() != server.cluster) {
    return Visibility::foreign;
  }
  switch (position.kind()) {
    case ServerKind::postgres:
      return visibility_on_postgres(position, tide);
  }
  return Visibility::foreign;  // a kind that a later version may know
}

std::uint64_t reach_towards(const Position& position, const Tide& tide) {
  const auto seen = visibility_of(position, tide);
  if (seen != Visibility::orphaned && seen != Visibility::in_doubt) return anywhere;
  // Not known where they have parted: somewhere before the position.
  return std::min(kinship(message::way_to(position), tide.history.entries()).left_at, anywhere - 1);
}

Covered covered_of(Visibility visibility) {
  switch (visibility) {
    case Visibility::visible:
      return Covered::visible;
    case Visibility::pending:
      return Covered::pending;
    case Visibility::orphaned:
      return Covered::orphaned;
    case Visibility::in_doubt:
      return Covered::in_doubt;
    case Visibility::foreign:
      return Covered::foreign;
  }
  TIDEGATE_MUST(false);
}

bool pending_until_offset(const Position& position, const Tide& tide) {
  return position.history() == tide.history ||
         kinship(message::way_to(position), tide.history.entries()).kind !=
             Kinship::Kind::descendant;
}

bool can_come(const Position& position, const Tide& tide) {
  const auto ahead = [](auto far, auto here) { return far > here ? far - here : 0; };
  return ahead(position.offset, tide.replayed) <= most_bytes_ahead &&
         ahead(position.timeline(), tide.timeline()) <= most_promotions_ahead;
}

}  // namespace tidegate::gate
