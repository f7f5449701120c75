// The branches to which the messages of one frame refer, each written once and numbered from 1.
//
// A frame has limits::frame_branches of them at the most, so that its size stays bounded. The
// packer of a frame counts with `branches_added`, which may count one again that was there before
// the last message: such a frame is closed early, and no harm done.
#pragma once

#include <array>
#include <cstddef>
#include <optional>

#include "lib/base/limits.hpp"
#include "lib/base/must.hpp"
#include "tidegate/message.hpp"

namespace tidegate::mesh {

class BranchTable {
 public:
  void add(const Message& message) {
    if (message.position) add(message.position->branch);
    if (message.inherited) add(message.inherited->branch);
  }

  // Of one that was added.
  [[nodiscard]] std::size_t number_of(const Branch& branch) const {
    const auto found = find(branch);
    TIDEGATE_MUST(found < size_);
    return found + 1;
  }

  // They belong to the messages.
  [[nodiscard]] const Branch* const* begin() const { return branches_.data(); }
  [[nodiscard]] const Branch* const* end() const { return branches_.data() + size_; }
  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  // From the back: mostly it is that of the message before.
  [[nodiscard]] std::size_t find(const Branch& branch) const {
    for (auto at = size_; at > 0; --at) {
      if (*branches_[at - 1] == branch) return at - 1;
    }
    return size_;
  }
  void add(const Branch& branch) {
    if (find(branch) < size_) return;
    TIDEGATE_MUST(size_ < branches_.size());
    branches_[size_++] = &branch;
  }

  std::array<const Branch*, base::limits::frame_branches> branches_{};
  std::size_t size_ = 0;
};

// How many branches the message adds to a frame whose last message is `before` (nullptr: none).
[[nodiscard]] inline std::size_t branches_added(const Message* before, const Message& message) {
  const auto is_new = [&](const std::optional<Position>& one) {
    if (!one) return false;
    if (before == nullptr) return true;
    const auto same = [&](const std::optional<Position>& other) {
      return other && one->branch == other->branch;
    };
    return !same(before->position) && !same(before->inherited);
  };
  return std::size_t{is_new(message.position)} + std::size_t{is_new(message.inherited)};
}

}  // namespace tidegate::mesh
