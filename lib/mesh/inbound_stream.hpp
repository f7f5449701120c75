// The messages of one origin as they arrive: each sequence is passed on once and in order, and what
// is skipped is named.
//
// A stream begins where its publisher said that our subscription had arrived (Ready), or with what
// it still keeps. That word travels on another connection than the messages, so the first of them
// may come before it.
//
// 1. A message behind a gap waits for it, in bounded memory; beyond the bound it becomes part of
//    the next gap. So there is never more to do about a gap than to ask for it.
// 2. A gap is filled by whatever brings its messages, or closed by `skip`, which names it.
// 3. A message that the next stage could not take is given back and is a gap again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "lib/mesh/frame.hpp"
#include "tidegate/message.hpp"

namespace tidegate::mesh {

class InboundStream {
 public:
  struct Numbered {
    Numbered(std::uint64_t number, Message&& content)
        : sequence(number), message(std::move(content)) {}

    std::uint64_t sequence;
    Message message;
  };
  struct Range {
    std::uint64_t first = 0;  // both included
    std::uint64_t last = 0;

    friend bool operator==(const Range&, const Range&) = default;
  };
  // The result of one call, in the order of the stream.
  struct Progress {
    std::optional<Range> skipped;
    std::vector<Numbered> messages;
    std::uint64_t duplicates = 0;
  };

  [[nodiscard]] Progress arrive(Data data);

  // Ready: counts from `next` on. When the stream had begun already this says nothing: messages
  // before `next` may still be on their way, and what was lost the next message or heartbeat tells.
  [[nodiscard]] Progress start(std::uint64_t next);

  // The publisher has published up to `last`.
  void note_published(std::uint64_t last);

  // The messages missing before `sequence` will never come. Closes one gap, or the part of it that
  // lies there; so call it again until it skips nothing.
  [[nodiscard]] Progress skip(std::uint64_t sequence);

  // The last Progress could be used only before `sequence`, one of its messages: that one and those
  // behind it shall come again.
  void rewind_to(std::uint64_t sequence);

  // The first gap, if there is one.
  [[nodiscard]] std::optional<Range> gap() const;

  // All from here to next() - 1 has come: nothing was skipped since, and the stream had begun.
  [[nodiscard]] std::uint64_t whole_from() const { return whole_from_; }

  // The next sequence expected; 0 before the start.
  [[nodiscard]] std::uint64_t next() const { return next_; }
  [[nodiscard]] std::uint64_t known() const { return known_; }  // the highest that surely exists

 private:
  void take(std::uint64_t sequence, Message& message, Progress& progress);
  void drain(Progress& progress);

  std::uint64_t next_ = 0;
  std::uint64_t whole_from_ = 0;
  std::uint64_t known_ = 0;
  std::map<std::uint64_t, Message> ahead_;  // all behind next_
  std::size_t ahead_bytes_ = 0;
};

}  // namespace tidegate::mesh
