// A peer's own recent messages, retained for peers that have missed some.
//
// Bounded in bytes and in age; the oldest go first. A message that is asked for and no longer
// here is gone for good, and the answer says so (frame.hpp, Retained).
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <utility>
#include <vector>

#include "tidegate/message.hpp"
#include "tidegate/time.hpp"

namespace tidegate::mesh {

class ResendWindow {
 public:
  // `first`: the sequence of the first message that will be appended.
  ResendWindow(std::size_t most_bytes, Duration longest, std::uint64_t first = 1)
      : most_bytes_(most_bytes), longest_(longest), first_(first) {}

  // The messages of one stream in order.
  void append(const Message& message, Instant now, Ticket ticket = 0);

  // Lets go of what is too old. Late is harmless.
  void expire(Instant now);

  // The first sequence that is kept; the next one to be appended when nothing is.
  [[nodiscard]] std::uint64_t first() const { return first_; }
  [[nodiscard]] std::size_t size() const { return kept_.size(); }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }  // the sum of the footprints

  // The messages from `first`, which must be kept or be the next one, to `last` at the most: up to
  // `most_bytes` of them, and so many that they fit one frame, but at least one if there is one.
  [[nodiscard]] std::vector<Message> read(std::uint64_t first, std::uint64_t last,
                                          std::size_t most_bytes) const;

  // The message of that ticket, if it is one of those behind sequence `after`.
  struct Found {
    std::uint64_t sequence = 0;
    const Message* message = nullptr;  // valid until the next call
  };
  [[nodiscard]] std::optional<Found> find(Ticket ticket, std::uint64_t after) const;

  // Calls `use` with the sequence, the message and the ticket of all that are kept.
  template <typename Use>
  void for_each(Use use) {
    auto sequence = first_;
    for (auto& kept : kept_) use(sequence++, std::as_const(kept.message), kept.ticket);
  }

 private:
  struct Retained {
    Message message;
    Instant since;
    Ticket ticket = 0;
  };
  void drop_oldest();

  std::size_t most_bytes_;
  Duration longest_;
  std::deque<Retained> kept_;
  std::uint64_t first_;
  std::size_t bytes_ = 0;
};

}  // namespace tidegate::mesh
