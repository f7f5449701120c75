#include "lib/mesh/outbound_stream.hpp"

#include <algorithm>

namespace tidegate::mesh {
namespace {

// A mesh has one cluster, or by mistake a few. Of more than these the oldest is forgotten.
constexpr std::size_t most_clusters = 16;

auto of_cluster(SystemId system) {
  return [system](const Position& position) { return position.system == system; };
}

}  // namespace

void OutboundStream::raise(const Position& position) {
  const auto found = std::find_if(highest_.begin(), highest_.end(), of_cluster(position.system));
  if (found == highest_.end()) {
    if (highest_.size() == most_clusters) highest_.erase(highest_.begin());
    highest_.push_back(position);
    return;
  }
  *found = std::max(*found, position);
  std::rotate(found, found + 1, highest_.end());
}

std::uint64_t OutboundStream::append(Message& message) {
  if (message.position) raise(*message.position);
  message.position = position();
  return ++last_;
}

bool OutboundStream::outdated(const Message& message) const {
  if (!message.position) return false;
  const auto found =
      std::find_if(highest_.begin(), highest_.end(), of_cluster(message.position->system));
  return found != highest_.end() && message.position->timeline < found->timeline;
}

void OutboundStream::delivered(const Position& position) { raise(position); }

std::optional<Position> OutboundStream::position() const {
  return highest_.empty() ? std::nullopt : std::optional(highest_.back());
}

}  // namespace tidegate::mesh
