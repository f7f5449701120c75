// Shared by both kinds of peer: the loop, the inbox with its bound, and the conditions under
// which a message is taken. How a call reaches the loop is theirs (peer.cpp, driven_peer.cpp).
//
// Threads: the loop belongs to the thread that runs it; take() and the checks may be called from
// any.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <future>
#include <map>
#include <optional>
#include <utility>

#include "peer/inbox.hpp"
#include "peer/io/owner.hpp"
#include "peer/key_file.hpp"
#include "peer/loop.hpp"
#include "peer/open_questions.hpp"
#include "peer/world.hpp"
#include "tidegate/options.hpp"
#include "tidegate/peer.hpp"
#include "tidegate/result.hpp"

namespace tidegate::peer {

// Nothing when there are no problems; names all of them.
[[nodiscard]] std::optional<Error> refusal(const std::vector<Problem>& problems);

// Of valid options only; an error names all that are wrong.
[[nodiscard]] Result<World> checked_world(const Options& options,
                                          const std::optional<KeptStream>& stream = std::nullopt);

// Why a handler is refused.
[[nodiscard]] Error not_here();
[[nodiscard]] Error one_handler();

// Why keys are not taken on.
[[nodiscard]] Error no_new_keys();

// All of it but the dependency.
[[nodiscard]] Message take_message(Publication& publication);

class PeerCore {
 public:
  PeerCore(Options options, World world, Inbox::Shown shown);

  // --- by the thread that runs the loop ---

  [[nodiscard]] Loop& loop() { return loop_; }

  // The Coverage with that ticket answers a call that waits for it, and comes into no inbox.
  void answer_call(Ticket ticket, std::promise<Covered> answer) {
    calls_.emplace(ticket, std::move(answer));
  }

  // Says farewell, closes the sockets, and nothing more comes into the inbox.
  void depart();

  // --- by any thread ---

  // In another process nothing else may be called.
  [[nodiscard]] bool here() const { return owner_.here(); }

  // The next thing in the inbox. Call reopens() afterwards.
  [[nodiscard]] std::optional<Incoming> take(std::chrono::milliseconds timeout);

  [[nodiscard]] bool has_messages() const { return inbox_.has_messages(); }

  [[nodiscard]] OpenQuestions& questions() { return questions_; }

  // Half empty again: the gate may release, and the caller has to tell the loop (input::Demand).
  // Only the loop closes the demand, so nobody opens it twice for one closing.
  [[nodiscard]] bool reopens();

  // Readable while take(0) has something.
  [[nodiscard]] int inbox_descriptor() { return inbox_.descriptor(); }

  // Why a message is not taken, as far as it and the options tell.
  [[nodiscard]] std::optional<Publish> refusal(const Message& message, const Dependency& dependency,
                                               bool has_primary) const;

  // The message fits beside what waits to be sent, and the answers to earlier ones that wait to be
  // taken; a single one always does.
  [[nodiscard]] bool fits(std::size_t bytes, std::size_t waiting) const {
    const auto before = waiting + inbox_.answer_bytes();
    return before == 0 || before + bytes <= options_.unsent_bytes;
  }

  // To be handed to the loop; an error: the peer keeps its keys.
  [[nodiscard]] Result<keys::Keyring> reopen_keyring() const {
    return peer::reopen_keyring(options_);
  }
  [[nodiscard]] Result<keys::Keyring> other_keyring(const std::string& text) const {
    return peer::other_keyring(options_, text);
  }

  [[nodiscard]] bool leaving() const { return leaving_; }
  [[nodiscard]] bool begin_to_leave() { return !leaving_.exchange(true); }  // false: has begun

 private:
  void receive(Incoming incoming);

  Options options_;
  io::Owner owner_;
  Inbox inbox_;
  OpenQuestions questions_;
  std::map<Ticket, std::promise<Covered>> calls_;  // of the loop's thread
  std::atomic<bool> demand_ = true;                // the gate may release
  std::atomic<bool> leaving_ = false;
  Loop loop_;
};

}  // namespace tidegate::peer
