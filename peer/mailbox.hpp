// Requests of other threads to the loop. The thread that posts the first one since the last take()
// calls the one that leads the loop (lead.hpp).
//
// Thread-safe: any thread posts, the one that leads takes.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <future>
#include <mutex>
#include <utility>
#include <variant>
#include <vector>

#include "lib/keys/keyring.hpp"
#include "lib/node/event.hpp"
#include "tidegate/status.hpp"

namespace tidegate::peer {

// Leave once the outbox is empty, or at that time.
struct LeaveBy {
  Instant when;
};

// See Loop::look_for_primary.
struct LookForPrimary {};

// See Loop::use_keys; kept once they are in use.
struct UseKeys {
  keys::Keyring keyring;
  std::promise<void> used;
};

// Peer::covered; kept with the answer.
struct AskCovered {
  node::input::Ask ask;
  std::promise<Covered> answer;
};

using Command =
    std::variant<node::Input, std::promise<Status>, LeaveBy, LookForPrimary, UseKeys, AskCovered>;

class Mailbox {
 public:
  enum class Posted : std::uint8_t {
    no,     // nothing was taken, since close() was called
    first,  // since take()
    more,
  };

  [[nodiscard]] Posted post(Command command, std::size_t bytes = 0);

  // The same for a message to publish; its ticket is its number among them, or 0.
  [[nodiscard]] std::pair<Posted, Ticket> publish(node::input::Publish publish, std::size_t bytes);

  // Everything in the order of posting.
  [[nodiscard]] std::vector<Command> take();

  // Nothing more is taken; what had been posted is still here.
  void close();

  // The sum of the bytes that were posted and not taken yet.
  [[nodiscard]] std::size_t bytes() const;

 private:
  Posted push(Command command, std::size_t bytes);

  mutable std::mutex mutex_;
  std::vector<Command> queue_;
  std::size_t bytes_ = 0;
  Ticket last_ticket_ = 0;
  bool closed_ = false;
};

}  // namespace tidegate::peer
