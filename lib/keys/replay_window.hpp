// Which numbered datagrams have come, so that one that comes again is dropped: the highest number,
// and which of those shortly before it.
//
// fresh() is asked before a datagram is opened, take() said only once it has proved to be from its
// sender. The other way round a stranger could name a high number and shut out all that comes.
#pragma once

#include <bitset>
#include <cstddef>
#include <cstdint>

#include "lib/base/must.hpp"

namespace tidegate::keys {

class ReplayWindow {
 public:
  // An older one than that many counts as come; so little does no network reorder.
  static constexpr std::uint64_t size = 1024;

  // Numbers begin with 1.
  [[nodiscard]] bool fresh(std::uint64_t number) const {
    if (number > highest_) return true;
    if (number == 0 || highest_ - number >= size) return false;
    return !taken_[slot(number)];
  }

  // It must be fresh.
  void take(std::uint64_t number) {
    TIDEGATE_MUST(fresh(number));
    if (number > highest_) {
      if (number - highest_ >= size) taken_.reset();
      // These slots tell of numbers that are too old from now on.
      for (auto left = number - highest_; left < size && left > 0; --left) {
        taken_.reset(slot(highest_ + left));
      }
      highest_ = number;
    }
    taken_.set(slot(number));
  }

 private:
  static std::size_t slot(std::uint64_t number) { return static_cast<std::size_t>(number % size); }

  std::uint64_t highest_ = 0;
  std::bitset<size> taken_;  // by number, modulo `size`
};

}  // namespace tidegate::keys
