// Deliveries and notices of the loop for the application, in order, until it takes them.
//
// It never refuses, so it is bounded in four ways, by the kind of what waits:
// 1. Deliveries, and the reports of messages that are not delivered: the loop looks at bytes() and
//    stops the gate's releases in time. Losses of one origin and reason that follow each other
//    become one range, whatever stands in between, so that a flood of them stays small.
// 2. Answers to publish(), Sent, Received and Unpublished: answer_bytes() count in the bound of
//    what is unsent, so publish() refuses while too many are not taken.
// 3. Answers to when_covered() and when_traced(): there are as many as questions are open
//    (open_questions.hpp).
// 4. All other notices, which the application has not asked for: beyond `most_bytes` of them the
//    next ones are dropped, and one Warning in their place says how many.
//
// Thread-safe: one side pushes, any number of others pop.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <optional>

#include "lib/message/footprint.hpp"
#include "peer/io/descriptor.hpp"
#include "tidegate/notice.hpp"

namespace tidegate::peer {

class Inbox {
 public:
  // Whether it has a descriptor. From the first question for it on, that costs two system calls for
  // what is taken one by one.
  enum class Shown : std::uint8_t { by_descriptor, no };

  Inbox(std::size_t most_bytes, Shown shown);

  // How many bytes() there are then.
  std::size_t push(Incoming incoming);

  // Waits for the timeout at most; milliseconds::max(): without end. Nothing more comes once the
  // inbox is closed and empty, and then it answers at once.
  std::optional<Incoming> pop(std::chrono::milliseconds timeout);

  // The producer has gone; what is here can still be taken.
  void close();

  // Readable while pop() would answer at once; -1: not shown.
  [[nodiscard]] int descriptor();

  // Of all that is here, messages counted by footprint() and notices likewise.
  [[nodiscard]] std::size_t bytes() const;
  [[nodiscard]] std::size_t answer_bytes() const { return answer_bytes_; }
  // Deliveries or losses are here.
  [[nodiscard]] bool has_messages() const;

 private:
  enum class Kind : std::uint8_t { delivery, loss, answer, coverage, other };

  struct Entry {
    Incoming incoming;
    Kind kind;
    std::size_t bytes;
  };

  // The notices that were dropped since the Warning that stands for them was put in its place.
  struct Dropped {
    std::uint64_t place = 0;
    std::uint64_t notices = 0;
    std::uint64_t losses = 0;    // among them: reports of messages that are not delivered,
    std::uint64_t messages = 0;  // and of how many
  };

  static Kind kind_of(const Incoming& incoming);
  static std::size_t bytes_of(const Incoming& incoming);
  bool merge(const Incoming& incoming);
  bool drop(const Incoming& incoming, std::size_t bytes);
  void append(Incoming incoming, Kind kind, std::size_t bytes);
  void forget(const Entry& entry);
  void show_readable();

  std::size_t most_bytes_;
  mutable std::mutex mutex_;
  std::condition_variable arrived_;
  std::deque<Entry> queue_;
  std::uint64_t taken_ = 0;  // the place of the first entry; those behind it count on
  std::map<Origin, std::uint64_t> last_loss_;  // of each origin, its place
  std::optional<Dropped> dropped_;
  std::size_t bytes_ = 0;
  std::size_t messages_ = 0;       // entries that are deliveries or losses
  std::size_t unasked_bytes_ = 0;  // of losses and others
  std::atomic<std::size_t> answer_bytes_ = 0;
  bool closed_ = false;
  bool shown_ = false;
  bool readable_shown_ = false;
  io::Descriptor readable_;
};

}  // namespace tidegate::peer
