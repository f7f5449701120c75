// How far the loop is with what a socket has received, for the thread that bounds it (guard.hpp).
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace tidegate::zeromq {

// Written by one thread, read by another; each figure for itself.
class Intake {
 public:
  // A part of a message, with the bytes that it had on the wire.
  void took(std::size_t bytes) {
    add(parts_, 1);
    add(bytes_, bytes);
  }
  void found_empty() { add(emptied_, 1); }

  [[nodiscard]] std::uint64_t parts() const { return parts_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t bytes() const { return bytes_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t emptied() const { return emptied_.load(std::memory_order_acquire); }

 private:
  static void add(std::atomic<std::uint64_t>& figure, std::uint64_t more) {
    figure.store(figure.load(std::memory_order_relaxed) + more, std::memory_order_release);
  }

  std::atomic<std::uint64_t> parts_ = 0;
  std::atomic<std::uint64_t> bytes_ = 0;
  std::atomic<std::uint64_t> emptied_ = 0;
};

}  // namespace tidegate::zeromq
