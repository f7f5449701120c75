#include "lib/mesh/outbound_stream.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "lib/message/position_order.hpp"

namespace tidegate::mesh {
namespace {

// A mesh has one cluster, or by mistake a few. Of more than these the oldest is forgotten.
constexpr std::size_t most_clusters = 16;

// Of a branch: all that lies on its way.
constexpr auto highest_offset = std::numeric_limits<std::uint64_t>::max();

constexpr auto always = [](const Position&) { return true; };

auto of_cluster(const Position& one) {
  return [&one](const Position& other) {
    return other.kind() == one.kind() && other.cluster() == one.cluster();
  };
}

}  // namespace

void OutboundStream::delivered(const Position& position) {
  recall(position.branch, always);
  hear_of(position);
}

// Without the place behind which its change lies: that is told with the change's own message.
void OutboundStream::hear_of(const Position& heard) {
  aside_.reset();
  const auto found = std::find_if(furthest_.begin(), furthest_.end(), of_cluster(heard));
  if (found == furthest_.end()) {
    if (furthest_.size() == most_clusters) furthest_.erase(furthest_.begin());
    furthest_.push_back({heard.branch, heard.offset});
    return;
  }
  if (found->branch == heard.branch) {
    found->offset = std::max(found->offset, heard.offset);
  } else if (!message::implies(*found, heard)) {
    if (replaces(heard, *found)) {
      *found = {heard.branch, heard.offset};
    } else {
      aside_ = {heard.branch, heard.offset};
      leave(*aside_);
    }
  }
  if (found + 1 != furthest_.end()) std::rotate(found, found + 1, furthest_.end());
}

bool OutboundStream::replaces(const Position& heard, const Position& other) const {
  return !reach_towards_ || message::implies(heard, other) ||
         reach_towards_(heard) >= reach_towards_(other);
}

// One is enough of all that lie on its way.
void OutboundStream::leave(const Position& position) {
  std::erase_if(left_, [&](const Position& one) { return message::implies(position, one); });
  if (left_.size() == most_clusters) left_.erase(left_.begin());
  left_.push_back(position);
}

std::uint64_t OutboundStream::append(Message& message) {
  const auto& own = message.position;
  message.inherited.reset();
  if (!own) {
    if (!furthest_.empty()) message.inherited = furthest_.back();
    return ++last_;
  }
  recall(own->branch, always);
  const auto before = std::find_if(furthest_.begin(), furthest_.end(), of_cluster(*own));
  if (before != furthest_.end() && !message::implies(*own, *before)) message.inherited = *before;
  hear_of(*own);
  return ++last_;
}

void OutboundStream::fall_back_to(const Branch& branch) {
  std::erase_if(furthest_, [&](Position& one) {
    if (one.kind() != branch.kind() || one.cluster() != branch.cluster()) return false;
    const auto stands = kinship(branch.history().entries(), message::way_to(one));
    if (stands.kind != Kinship::Kind::ancestor) return false;
    leave(std::exchange(one, {branch, stands.left_at}));
    return stands.left_at == 0;
  });
}

void OutboundStream::return_to(const Branch& branch) {
  recall(branch, [this](const Position& one) {
    const auto present = std::find_if(furthest_.begin(), furthest_.end(), of_cluster(one));
    return present == furthest_.end() || !reach_towards_ || message::implies(one, *present) ||
           reach_towards_(one) > reach_towards_(*present);
  });
}

template <typename Counts>
void OutboundStream::recall(const Branch& branch, Counts counts) {
  const auto there = std::stable_partition(left_.begin(), left_.end(), [&](const Position& one) {
    return !message::implies({branch, highest_offset}, one) || !counts(one);
  });
  const std::vector<Position> again(there, left_.end());
  left_.erase(there, left_.end());
  for (const auto& one : again) hear_of(one);
}

std::optional<Position> OutboundStream::position() const {
  if (aside_ || furthest_.empty()) return aside_;
  return furthest_.back();
}

}  // namespace tidegate::mesh
