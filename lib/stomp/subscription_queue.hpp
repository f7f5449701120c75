// The messages of one subscription that its client has still to get and still to acknowledge.
//
// It knows neither the client nor the connection, and can outlive both.
//
//     add() -> waiting -> take() -> unacknowledged -> acknowledge() or acknowledge_through()
//                 ^                       |
//                 +------- put_back() ----+
//
// With acknowledgement no more than `window` are unacknowledged at a time: the others wait. The
// queue of a durable subscription keeps them until then, so that they can be given again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "lib/stomp/message_id.hpp"
#include "tidegate/message.hpp"
#include "tidegate/notice.hpp"

namespace tidegate::stomp {

// It stands in a durable subscription for messages of one stream that it will not get, or in one to
// an outbox for rows.
struct Loss {
  enum class Kind : std::uint8_t {
    undelivered,  // all of the range; `why` tells the reason
    dropped,      // the same, since too many bytes waited for the client
    ended,        // all from `first` on, nobody knows how many: the stream is over
    behind,       // the stream has begun again before `first`, with other messages
    outbox,       // rows of an outbox; `json` is the whole word
  };
  Kind kind = Kind::undelivered;
  Origin origin;
  std::string publisher;  // its name
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  Undelivered::Why why = Undelivered::Why::missing;
  std::string json = {};
  Ticket ticket = 0;  // of a loss of an outbox

  [[nodiscard]] bool is_range() const { return kind == Kind::undelivered || kind == Kind::dropped; }
};

class SubscriptionQueue {
 public:
  struct Item {
    std::shared_ptr<const Delivery> delivery;
    std::shared_ptr<const Loss> loss;  // instead

    [[nodiscard]] MessageId id() const;  // of the first message
    // That it counts for; its payload may be shared with other queues.
    [[nodiscard]] std::size_t bytes() const;
  };
  struct Taken {
    std::uint64_t number = 0;
    MessageId id;
    std::uint64_t arrival = 0;
    Item item;          // where it is kept; a loss always is
    Ticket ticket = 0;  // of a row of an outbox, or a loss
  };
  enum class Keeps : std::uint8_t { nothing, unacknowledged };

  // A window of 0: nothing is acknowledged.
  explicit SubscriptionQueue(std::size_t window, Keeps keeps = Keeps::nothing)
      : window_(window), keeps_(keeps) {}

  [[nodiscard]] std::size_t window() const { return window_; }
  void use_window(std::size_t window) { window_ = window; }

  // `arrival` orders the messages of several queues.
  void add(std::uint64_t arrival, Item item);

  [[nodiscard]] bool ready() const;

  // Of the next one; there must be one.
  [[nodiscard]] std::uint64_t next_arrival() const;

  // The next one, which is acknowledged under that number; numbers grow. Must be ready.
  [[nodiscard]] Item take(std::uint64_t number);

  // That one alone, or it with all that were taken before. Answers which ones were waiting for it,
  // none if that one was not.
  std::vector<Taken> acknowledge(std::uint64_t number);
  std::vector<Taken> acknowledge_through(std::uint64_t number);

  // The number of a message that waits for its acknowledgement; 0: it does not.
  [[nodiscard]] std::uint64_t number_of(const MessageId& id) const;

  // Those that were kept come again, before all others.
  void put_back();

  // Takes out the oldest of those that have never been taken, for something that stands in their
  // place and comes before the rest.
  [[nodiscard]] bool has_untaken() const { return !waiting_.empty(); }
  [[nodiscard]] std::pair<std::uint64_t, Item> take_oldest();
  void add_first(std::uint64_t arrival, Item item);

  [[nodiscard]] std::size_t bytes() const { return bytes_; }            // that wait
  [[nodiscard]] std::size_t kept_bytes() const { return kept_bytes_; }  // taken, and kept

 private:
  using Waiting = std::deque<std::pair<std::uint64_t, Item>>;
  using Place = std::deque<Taken>::iterator;
  [[nodiscard]] Place find(std::uint64_t number);
  std::vector<Taken> remove(const Place& first, const Place& last);

  std::size_t window_;
  Keeps keeps_;
  Waiting first_;                     // before those of waiting_
  Waiting waiting_;                   // never taken
  std::deque<Taken> unacknowledged_;  // by number
  std::size_t bytes_ = 0;
  std::size_t kept_bytes_ = 0;
};

}  // namespace tidegate::stomp
