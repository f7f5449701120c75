#include "lib/message/position_order.hpp"

namespace tidegate::message {

std::span<const HistoryEntry> way_to(const Position& position) {
  auto entries = position.history().entries();
  while (entries.size() > 1 && entries.back().begin >= position.offset) {
    entries = entries.first(entries.size() - 1);
  }
  return entries;
}

bool implies(const Position& one, const Position& other) {
  if (other.offset > one.offset) return false;
  if (one.branch == other.branch) return true;
  if (one.kind() != other.kind() || one.cluster() != other.cluster()) return false;
  const auto stands = kinship(way_to(other), way_to(one));
  return stands.kind == Kinship::Kind::same ||
         (stands.kind == Kinship::Kind::ancestor && other.offset <= stands.left_at);
}

}  // namespace tidegate::message
