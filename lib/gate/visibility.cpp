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

}  // namespace tidegate::gate
