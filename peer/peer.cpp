// A peer with a thread of its own: calls go to the loop through the mailbox, what comes is taken
// out of the inbox, and how the loop stands is read from what its thread tells after each turn.
#include "tidegate/peer.hpp"

#include <atomic>
#include <condition_variable>
#include <future>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "lib/base/must.hpp"
#include "lib/message/footprint.hpp"
#include "peer/io/clock.hpp"
#include "peer/mailbox.hpp"
#include "peer/peer_core.hpp"

namespace tidegate {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds forever{-1};

}  // namespace

// The loop's thread, and what it shares with the callers.
class Peer::Thread {
 public:
  Thread(Options options, peer::World world)
      : core(std::move(options), std::move(world)), mailbox([this] { core.loop().wake(); }) {
    tell_state();
    runner_ = std::thread([this] { run(); });
  }

  void join() { runner_.join(); }

  // --- by any thread ---

  void input(node::Input input) { (void)mailbox.post(std::move(input)); }

  void look_for_primary() {
    if (!looking_.exchange(true)) (void)mailbox.post(peer::LookForPrimary{});
  }

  [[nodiscard]] bool wait_ready(std::size_t count, milliseconds timeout) {
    std::unique_lock lock(ready_mutex_);
    return ready_changed_.wait_for(lock, timeout, [&] { return ready_count_ >= count; });
  }

  [[nodiscard]] Status status() {
    std::promise<Status> promise;
    auto status = promise.get_future();
    return mailbox.post(std::move(promise)) ? status.get() : after_leaving_.get();
  }

  peer::PeerCore core;
  peer::Mailbox mailbox;
  std::atomic<bool> has_primary = false;
  std::atomic<std::size_t> outbox_bytes = 0;

 private:
  // --- by the thread ---

  void run() {
    auto leave_by = never;
    while (true) {
      core.loop().run_once(leave_by == never ? forever : peer::until(leave_by));
      execute(mailbox.take(), leave_by);
      tell_state();
      const bool sent = core.loop().outbox_size() == 0;
      if (leave_by != never && (sent || io::clock_now() >= leave_by)) break;
    }
    mailbox.close();
    execute(mailbox.take(), leave_by);
    core.depart();
    tell_state();
    last_status_.set_value(core.loop().status());
  }

  void execute(std::vector<peer::Command> commands, Instant& leave_by) {
    std::vector<node::Input> inputs;
    for (auto& command : commands) {
      if (auto* input = std::get_if<node::Input>(&command)) {
        inputs.push_back(std::move(*input));
      } else if (auto* leave = std::get_if<peer::LeaveBy>(&command)) {
        leave_by = leave->when;
      } else if (std::holds_alternative<peer::LookForPrimary>(command)) {
        looking_ = false;
        core.loop().look_for_primary();
      } else {
        std::get<std::promise<Status>>(command).set_value(core.loop().status());
      }
    }
    if (!inputs.empty()) core.loop().input(std::move(inputs));
  }

  void tell_state() {
    outbox_bytes = core.loop().outbox_bytes();
    has_primary = core.loop().has_primary();
    const auto count = core.loop().ready_count();
    if (count == ready_count_) return;
    const std::lock_guard lock(ready_mutex_);
    ready_count_ = count;
    ready_changed_.notify_all();
  }

  std::atomic<bool> looking_ = false;  // a LookForPrimary is in the mailbox
  std::atomic<std::size_t> ready_count_ = 0;
  std::mutex ready_mutex_;
  std::condition_variable ready_changed_;
  std::promise<Status> last_status_;
  std::shared_future<Status> after_leaving_ = last_status_.get_future();
  std::thread runner_;

 public:
  std::thread pusher;  // calls the handler of on_incoming()
};

Result<std::unique_ptr<Peer>> Peer::start(Options options) {
  auto world = peer::checked_world(options);
  if (!world) return world.error();
  return std::unique_ptr<Peer>(
      new Peer(std::make_unique<Thread>(std::move(options), std::move(world).value())));
}

Peer::Peer(std::unique_ptr<Thread> thread) : thread_(std::move(thread)) {}

Peer::~Peer() {
  leave();
  if (auto& pusher = thread_->pusher; pusher.joinable()) {
    TIDEGATE_MUST(pusher.get_id() != std::this_thread::get_id());
    pusher.join();
  }
}

Published Peer::publish(Topic topic, std::string payload, Dependency dependency) {
  auto& thread = *thread_;
  Message message{std::move(topic), std::move(payload), std::nullopt};
  if (const auto why = thread.core.refusal(message, dependency, thread.has_primary)) {
    if (*why == Publish::no_primary) thread.look_for_primary();
    return {*why};
  }
  const auto bytes = message::footprint(message);
  if (!thread.core.fits(bytes, thread.outbox_bytes + thread.mailbox.bytes())) {
    return {Publish::outbox_full};
  }
  const auto ticket = thread.mailbox.publish({std::move(message), std::move(dependency)}, bytes);
  return {ticket == 0 ? Publish::leaving : Publish::accepted, ticket};
}

void Peer::subscribe(Pattern pattern) {
  thread_->input(node::input::Subscribe{std::move(pattern)});
}

void Peer::unsubscribe(const Pattern& pattern) {
  thread_->input(node::input::Unsubscribe{pattern});
}

std::optional<Incoming> Peer::next(milliseconds timeout) {
  auto incoming = thread_->core.take(timeout);
  if (thread_->core.reopens()) thread_->input(node::input::Demand{true});
  return incoming;
}

int Peer::descriptor() const { return thread_->core.inbox_descriptor(); }

void Peer::on_incoming(std::function<void(Incoming)> handler) {
  TIDEGATE_MUST(!thread_->pusher.joinable());
  thread_->pusher = std::thread([this, handler = std::move(handler)] {
    while (auto incoming = next(forever)) handler(std::move(*incoming));
  });
}

bool Peer::wait_ready(std::size_t count, milliseconds timeout) {
  return thread_->wait_ready(count, timeout);
}

Status Peer::status() { return thread_->status(); }

void Peer::leave(milliseconds timeout) {
  if (!thread_->core.begin_to_leave()) return;
  (void)thread_->mailbox.post(peer::LeaveBy{io::clock_now() + timeout});
  thread_->join();
}

}  // namespace tidegate
