// The messages of one subscription that its client has still to get and still to acknowledge.
//
// It knows neither the client nor the connection, and can outlive both.
//
//     add() -> waiting -> take() -> unacknowledged -> acknowledge() or acknowledge_through()
//
// With acknowledgement no more than `window` are unacknowledged at a time: the others wait.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <utility>
#include <vector>

#include "lib/stomp/message_id.hpp"
#include "tidegate/message.hpp"

namespace tidegate::stomp {

// Bytes that a waiting message counts; its payload may be shared with other queues.
[[nodiscard]] std::size_t waiting_bytes(const Delivery& delivery);

class SubscriptionQueue {
 public:
  using Item = std::shared_ptr<const Delivery>;

  // A window of 0: nothing is acknowledged.
  explicit SubscriptionQueue(std::size_t window) : window_(window) {}

  // `arrival` orders the messages of several queues.
  void add(std::uint64_t arrival, Item item);

  [[nodiscard]] bool ready() const {
    return !waiting_.empty() && (window_ == 0 || unacknowledged_.size() < window_);
  }

  // Of the next one; there must be one.
  [[nodiscard]] std::uint64_t next_arrival() const { return waiting_.front().first; }

  // The next one, which is acknowledged under that number; numbers grow. Must be ready.
  [[nodiscard]] Item take(std::uint64_t number);

  // That one alone, or it with all that were taken before. Answers which ones were waiting for it,
  // none if that one was not.
  std::vector<MessageId> acknowledge(std::uint64_t number);
  std::vector<MessageId> acknowledge_through(std::uint64_t number);

  // The number of a message that waits for its acknowledgement; 0: it does not.
  [[nodiscard]] std::uint64_t number_of(const MessageId& id) const;

  [[nodiscard]] std::size_t bytes() const { return bytes_; }  // that wait

 private:
  struct Unacknowledged {
    std::uint64_t number = 0;
    MessageId id;
  };
  using Place = std::deque<Unacknowledged>::iterator;
  [[nodiscard]] Place find(std::uint64_t number);
  std::vector<MessageId> remove(Place first, Place last);

  std::size_t window_;
  std::deque<std::pair<std::uint64_t, Item>> waiting_;
  std::deque<Unacknowledged> unacknowledged_;  // by number
  std::size_t bytes_ = 0;
};

}  // namespace tidegate::stomp
