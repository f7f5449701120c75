// Deliveries and notices of the loop for the application, in order, until it takes them.
//
// It never refuses: the loop looks at bytes() and stops the gate's releases in time. Losses of
// one origin and reason that follow each other become one range, also when those of other origins
// stand in between, so that a flood of them stays small.
//
// Thread-safe: one side pushes, any number of others pop.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <optional>

#include "lib/message/footprint.hpp"
#include "peer/io/descriptor.hpp"
#include "tidegate/notice.hpp"

namespace tidegate::peer {

class Inbox {
 public:
  Inbox();

  // How many bytes() there are then.
  std::size_t push(Incoming incoming);

  // Waits for the timeout at most; negative: without end. Nothing more comes once the inbox is
  // closed and empty, and then it answers at once.
  std::optional<Incoming> pop(std::chrono::milliseconds timeout);

  // The producer has gone; what is here can still be taken.
  void close();

  // Readable while pop() would answer at once.
  [[nodiscard]] int descriptor() const { return readable_.get(); }

  // Of the deliveries that are here, counted by footprint().
  [[nodiscard]] std::size_t bytes() const;

 private:
  bool merge(const Incoming& incoming);
  void show_readable();

  mutable std::mutex mutex_;
  std::condition_variable arrived_;
  std::deque<Incoming> queue_;
  std::size_t bytes_ = 0;
  bool closed_ = false;
  bool shown_ = false;  // the descriptor is readable
  io::Descriptor readable_;
};

}  // namespace tidegate::peer
