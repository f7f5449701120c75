#include "lib/gate/visibility.hpp"

#include "lib/gate/visibility_postgres.hpp"

namespace tidegate::gate {

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

bool can_come(const Position& position, const Tide& tide) {
  const auto ahead = [](auto far, auto here) { return far > here ? far - here : 0; };
  return ahead(position.offset, tide.replayed) <= most_bytes_ahead &&
         ahead(position.timeline(), tide.timeline()) <= most_promotions_ahead;
}

}  // namespace tidegate::gate
