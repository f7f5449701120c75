// The held messages, the one that may go out first on top.
//
// The order is (timeline, LSN, origin, sequence), messages without a position before all others.
// Since the positions of one origin never go back, it keeps every origin's own order.
//
// So what comes from one origin is a queue, entered at its end and left at its front, and a small
// heap orders the queues by their fronts. That costs the same for ten held messages and for a
// million. A heap of all messages was tried: every pop sifts through its whole depth, which is
// cache misses where most are held. (An origin whose positions did go back would be sorted in, and
// pay for the way.)
//
// A million messages may be held, so each is packed, and what those of one origin have in common is
// kept once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <vector>

#include "lib/message/packed_message.hpp"
#include "tidegate/message.hpp"
#include "tidegate/time.hpp"

namespace tidegate::gate {

struct Held {
  Message message;
  Origin origin;
  std::uint64_t sequence = 0;
  Instant since;  // its arrival
};

class ReorderQueue {
 public:
  void push(Held held);
  // Behind everything that was pushed this way before, whatever its position.
  void push_last(Held held);

  // The queue must not be empty.
  [[nodiscard]] std::optional<Position> first_position() const;
  [[nodiscard]] Instant first_since() const;
  Held pop();

  // Those that are here since `limit` or longer, as they came, and when the oldest of the
  // others came (`never`: there is none). Looks at every message.
  struct Old {
    std::vector<Held> held;
    Instant oldest_left;
  };
  [[nodiscard]] Old take_old(Instant limit);

  [[nodiscard]] bool empty() const { return size_ == 0; }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }  // the sum of the footprints

 private:
  // What many messages share: all of an origin do until its cluster is promoted.
  struct Source {
    TimelineId timeline = 0;  // in the order
    Origin origin;
    std::optional<Position> branch;  // the position without its LSN

    friend auto operator<=>(const Source&, const Source&) = default;
  };
  struct Entry {
    Lsn lsn;  // in the order
    message::PackedMessage message;
  };
  using Sources = std::map<Source, std::deque<Entry>>;  // some are empty

  static bool later(const Sources::iterator& a, const Sources::iterator& b);
  static std::optional<Position> position(const Source& source, const Entry& entry);
  void add(TimelineId timeline, Lsn lsn, Held held);
  Held unpack(const Source& source, Entry& entry);

  Sources sources_;
  std::vector<Sources::iterator> order_;  // a heap, the source of the first message on top
  std::size_t size_ = 0;
  std::size_t bytes_ = 0;
  std::uint64_t pushed_last_ = 0;
};

}  // namespace tidegate::gate
