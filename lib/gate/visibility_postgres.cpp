#include "lib/gate/visibility_postgres.hpp"

#include "lib/base/must.hpp"
#include "lib/message/position_order.hpp"

namespace tidegate::gate {

Visibility visibility_on_postgres(const Position& position, const Tide& tide) {
  const auto replayed = [&] {
    return tide.replayed >= position.offset ? Visibility::visible : Visibility::pending;
  };
  // The server's history has left the position's here or earlier, before the position.
  const auto left = [&](const Kinship& stands) {
    const bool gone = stands.left_at != 0 && position.after >= stands.left_at;
    return gone ? Visibility::orphaned : Visibility::in_doubt;
  };
  if (position.history() == tide.history) return replayed();  // nearly always
  const auto stands = kinship(message::way_to(position), tide.history.entries());
  switch (stands.kind) {
    case Kinship::Kind::ancestor:  // the server's history has come through the position's timeline
      if (position.offset > stands.left_at) return left(stands);
      [[fallthrough]];
    case Kinship::Kind::same:
      return replayed();
    case Kinship::Kind::descendant:  // the server may still follow, if it is not past the fork
      return tide.replayed > stands.left_at ? left(stands) : Visibility::pending;
    case Kinship::Kind::apart:
      return left(stands);
  }
  TIDEGATE_MUST(false);
}

}  // namespace tidegate::gate
