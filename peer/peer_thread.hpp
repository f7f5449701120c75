// The thread of a peer that has one, and what it shares with the callers: calls go to the loop
// through the mailbox, what comes is taken out of the inbox, and how the loop stands is read from
// what the thread that leads tells after each turn (lead.hpp).
//
// A handler is called by a thread that shares these parts, so it may destroy the peer.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "peer/lead.hpp"
#include "peer/mailbox.hpp"
#include "peer/peer_core.hpp"
#include "tidegate/peer.hpp"

namespace tidegate {

// As a part of Peer it would be among the symbols of the library otherwise.
#define TIDEGATE_HIDDEN __attribute__((visibility("hidden")))

class TIDEGATE_HIDDEN Peer::Thread {
 public:
  using milliseconds = std::chrono::milliseconds;

  Thread(Options options, peer::World world);

  // By the one that has made it. Without a thread nothing else may be called.
  [[nodiscard]] std::optional<Error> start();

  // --- by any thread ---

  void leave(milliseconds timeout);

  // Leads the loop while it waits, if nobody else of the application does.
  [[nodiscard]] std::optional<Incoming> take(milliseconds timeout);

  // 0: nothing taken. By the loop at once, if nobody leads it just now.
  [[nodiscard]] Ticket publish(node::input::Publish publish, std::size_t bytes);

  // A thread of its own calls the handler, and shares these parts: `self` is this.
  [[nodiscard]] std::optional<Error> push_to(std::function<void(Incoming)> handler,
                                             const std::shared_ptr<Thread>& self);

  // After leave(): the handler has been given the rest. From a call of the handler itself, that one
  // is the last.
  void stop_pushing();

  void input(node::Input input) { (void)post(std::move(input)); }
  [[nodiscard]] bool post(peer::Command command);
  void look_for_primary();
  [[nodiscard]] bool wait_ready(std::size_t count, milliseconds timeout);
  [[nodiscard]] Status status();
  [[nodiscard]] Covered covered(const Position& position, milliseconds timeout);
  // Returns once the loop uses them.
  [[nodiscard]] Result<std::vector<std::string>> use_keys(Result<keys::Keyring> keyring);

  peer::PeerCore core;
  std::atomic<bool> has_primary = false;
  std::atomic<std::size_t> unsent_bytes = 0;
  std::atomic<std::size_t> unacknowledged_bytes = 0;
  std::atomic<bool> pushes = false;
  peer::Mailbox mailbox;

 private:
  // By the thread of the handler. An exception of the handler ends the program.
  void push(const std::function<void(Incoming)>& handler) noexcept;

  // --- by the thread that leads ---

  [[nodiscard]] std::optional<Incoming> lead_until_one_comes(Instant end);
  void run();  // by the peer's own
  void turn(milliseconds timeout);
  void hand_on();
  void take_commands();
  void execute(std::vector<peer::Command> commands);
  void tell_state();

  peer::Lead lead_;
  std::optional<Instant> leave_by_;
  std::atomic<bool> looking_ = false;  // a LookForPrimary is in the mailbox
  std::atomic<int> calls_ = 0;         // that wait for the loop
  std::atomic<std::size_t> ready_count_ = 0;
  std::mutex ready_mutex_;
  std::condition_variable ready_changed_;
  bool left_ = false;
  std::promise<Status> last_status_;
  std::shared_future<Status> after_leaving_ = last_status_.get_future();
  std::thread runner_;
  std::atomic<bool> destroyed_ = false;  // the Peer
  std::mutex pusher_mutex_;
  std::thread pusher_;  // calls the handler of on_incoming()
};

}  // namespace tidegate
