// The messages of one origin as they arrive: each sequence is passed on once, and what is skipped
// is named.
//
// A stream begins where its publisher said that our subscription had arrived (Ready). That word
// travels on another connection than the messages, so the first of them may come before it: they
// are kept, bounded, until it is known whether they count.
//
// The transport keeps the order of one publisher, so a jump ahead is a loss and nothing that comes
// behind it has to wait.
#pragma once

#include <cstdint>
#include <vector>

#include "frame.hpp"
#include "message.hpp"

namespace tidegate {

class InboundStream {
 public:
  struct Numbered {
    std::uint64_t sequence = 0;
    Message message;
  };
  struct Range {
    std::uint64_t first = 0;  // both included
    std::uint64_t last = 0;

    friend bool operator==(const Range&, const Range&) = default;
  };
  // What one call has made of the stream; in order.
  struct Progress {
    std::vector<Numbered> messages;
    std::vector<Range> missing;
    std::uint64_t duplicates = 0;
  };

  [[nodiscard]] Progress arrive(Data data);

  // Ready: counts from `next` on. When the stream had begun already this says nothing: messages
  // before `next` may still be on their way, and what was lost the next message or heartbeat tells.
  [[nodiscard]] Progress start(std::uint64_t next);

  // The publisher has published up to `last`, and what it sent before saying so has arrived.
  [[nodiscard]] Progress reveal(std::uint64_t last);

  // The next sequence expected; 0 before the start.
  [[nodiscard]] std::uint64_t next() const { return next_; }

 private:
  void take(Data data, Progress& progress);
  void skip_to(std::uint64_t sequence, Progress& progress);

  std::uint64_t next_ = 0;
  std::vector<Data> early_;
  std::size_t early_bytes_ = 0;
};

}  // namespace tidegate
