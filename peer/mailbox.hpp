// Requests of other threads to the loop: a queue, and a call that ends the loop's wait.
//
// Thread-safe: any thread posts, the loop's takes.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
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
  // `wake` is called by the posting thread, once for all that is posted until the loop takes it.
  explicit Mailbox(std::function<void()> wake) : wake_(std::move(wake)) {}

  // False, and nothing taken, once close() was called.
  [[nodiscard]] bool post(Command command, std::size_t bytes = 0);

  // The same for a message to publish; its ticket is its number among them. 0: nothing taken.
  [[nodiscard]] Ticket publish(node::input::Publish publish, std::size_t bytes);

  // Everything in the order of posting.
  [[nodiscard]] std::vector<Command> take();

  // Nothing more is taken; what had been posted is still here.
  void close();

  // The sum of the bytes that were posted and not taken yet.
  [[nodiscard]] std::size_t bytes() const;

 private:
  bool push(Command command, std::size_t bytes);

  std::function<void()> wake_;
  mutable std::mutex mutex_;
  std::vector<Command> queue_;
  std::size_t bytes_ = 0;
  Ticket last_ticket_ = 0;
  bool closed_ = false;
};

}  // namespace tidegate::peer
