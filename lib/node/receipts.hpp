// Which of this peer's messages wait to be acknowledged, and by whom.
//
// A message waits for every member that is ready when it is sent. A member has it once it says that
// it has all of the stream up to there: one number for each member tells of all messages, and one
// question, repeated until it is answered, asks for all of them.
//
// 1. A member is asked over our own link to it, and answers there: it speaks for itself alone.
// 2. Only its own word counts: nothing that was handed to a socket is taken for received.
// 3. A member that is silent, or has left, is waited for no longer, and is named.
// 4. So is one whose stream is whole only from behind the message on: it has missed it.
// 5. Messages are answered in the order of their sequences, which makes none of them wait: one
//    waits for all that those before it wait for.
// 6. While no message waits no step costs anything.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <string>

#include "lib/mesh/frame.hpp"
#include "lib/mesh/roster.hpp"
#include "lib/message/footprint.hpp"
#include "lib/node/event.hpp"
#include "tidegate/notice.hpp"
#include "tidegate/time.hpp"

namespace tidegate::node {

// Of a Received that names so many members.
[[nodiscard]] constexpr std::size_t receipt_bytes(std::size_t members) {
  return message::footprint_overhead +
         members * (sizeof(Received::Without) + base::limits::peer_name_bytes);
}

class Receipts {
 public:
  // A message was sent, behind all others that wait.
  void await(Ticket ticket, std::uint64_t sequence, const mesh::Roster& roster);

  // `published` is the end of the own stream.
  void answered(const mesh::Receipt& receipt, std::uint64_t published, Instant now);

  // Gives up members that can't answer, and reports the messages that wait for nobody any more.
  void settle(const mesh::Roster& roster, Effects& effects);

  // The questions that are due.
  void ask(const Origin& self, const mesh::Roster& roster, Instant now, Effects& effects);

  // Every call may change it.
  [[nodiscard]] Instant deadline() const { return ask_at_; }

  // This peer leaves: reports all that waits.
  void give_up(Effects& effects);

  [[nodiscard]] std::size_t size() const { return waiting_.size(); }

 private:
  struct Waiting {
    Ticket ticket;
    std::uint64_t sequence;
  };
  struct Reader {
    std::string name;
    std::uint64_t confirmed;          // it has all that waits up to here, or is named
    std::uint64_t asked = 0;          // under way; 0: nothing
    Instant ask_at = Instant::min();  // again
    Instant asked_at{};
    Duration pause{};
  };
  // Lacks the messages of these sequences.
  struct Lacking {
    Received::Without who;
    std::uint64_t first;
    std::uint64_t last;  // included
  };

  void add_ready(std::uint64_t sequence, const mesh::Roster& roster);
  void give_up_silent(const mesh::Roster& roster);
  void lacks(const Origin& origin, const Reader& reader, std::uint64_t last,
             Received::Without::Why why);
  void report(Effects& effects);

  std::deque<Waiting> waiting_;
  std::map<Origin, Reader> readers_;  // that some message waits for
  std::deque<Lacking> lacking_;
  // Up to these changes of the roster its ready members were added, and its silent ones given up.
  std::uint64_t added_at_ = 0;
  std::uint64_t settled_at_ = 0;
  Instant ask_at_ = never;
};

}  // namespace tidegate::node
