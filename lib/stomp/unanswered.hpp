// Messages and questions of one client that the peer has not answered yet, and the receipts that
// wait for that.
//
// A receipt stands for one message, or for all of a transaction. It is given once each of them is
// answered as it was wanted, and never if one of them is not sent.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "tidegate/position.hpp"

namespace tidegate::stomp {

// Names a message from its SEND until its answer; counted from 1 for each client.
using Tag = std::uint64_t;

struct Receipt {
  std::string id;             // empty: the client wants none
  bool acknowledged = false;  // it waits until its messages were received
  std::size_t open = 0;       // messages without their answer
  bool lost = false;
  std::uint64_t sequence = 0;  // of the last one
  std::optional<Position> position;
  std::string without;  // peers that may not have one of them; empty: all have them
  std::string covered;  // of a question: its answer, and members that are behind
  std::string behind;
};

class Unanswered {
 public:
  using Shared = std::shared_ptr<Receipt>;

  // The next message or question, with the receipt that it has a part in.
  Tag add(Shared receipt);

  // It was sent. The receipt, if this was the last answer that it waited for.
  [[nodiscard]] Shared sent(Tag tag, std::uint64_t sequence,
                            const std::optional<Position>& position);
  // All have it, but for those peers, of which that is not known.
  [[nodiscard]] Shared received(Tag tag, std::string_view without);
  // The question has this answer.
  [[nodiscard]] Shared covered(Tag tag, std::string_view covered, std::string_view behind);
  // It was done.
  [[nodiscard]] Shared done(Tag tag);
  // It will never be sent: its receipt, which is lost.
  [[nodiscard]] Shared lost(Tag tag);

  [[nodiscard]] bool empty() const { return open_.empty(); }
  [[nodiscard]] std::size_t size() const { return open_.size(); }

 private:
  using Entry = std::map<Tag, Shared>::iterator;
  Shared close(Entry entry);

  std::map<Tag, Shared> open_;
  Tag last_ = 0;
};

}  // namespace tidegate::stomp
