// A peer with a thread of its own: calls go to the loop through the mailbox, what comes is taken
// out of the inbox, and how the loop stands is read from what its thread tells after each turn.
//
// A handler is called by a thread that shares the parts of the peer, so it may destroy the peer.
#include "tidegate/peer.hpp"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <future>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "lib/base/saturated.hpp"
#include "lib/message/footprint.hpp"
#include "peer/io/clock.hpp"
#include "peer/io/thread.hpp"
#include "peer/mailbox.hpp"
#include "peer/peer_core.hpp"

namespace tidegate {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds until_woken{-1};

}  // namespace

// The loop's thread, and what it shares with the callers.
class Peer::Thread {
 public:
  Thread(Options options, peer::World world)
      : core(std::move(options), std::move(world), peer::Inbox::Shown::by_descriptor),
        mailbox([this] { core.loop().wake(); }) {
    tell_state();
  }

  // By the one that has made it. Without a thread nothing else may be called.
  [[nodiscard]] std::optional<Error> start() {
    auto started = io::start_thread([this] { run(); });
    if (!started) return started.error();
    runner_ = std::move(*started);
    return std::nullopt;
  }

  // --- by any thread ---

  void leave(milliseconds timeout) {
    if (!core.begin_to_leave()) return after_leaving_.wait();
    (void)mailbox.post(peer::LeaveBy{base::later(io::clock_now(), timeout)});
    runner_.join();
  }

  [[nodiscard]] std::optional<Incoming> take(milliseconds timeout) {
    auto incoming = core.take(timeout);
    if (core.reopens()) input(node::input::Demand{true});
    return incoming;
  }

  // A thread of its own calls the handler, and shares these parts: `self` is this.
  [[nodiscard]] std::optional<Error> push_to(std::function<void(Incoming)> handler,
                                             const std::shared_ptr<Thread>& self) {
    if (pushes.exchange(true)) return peer::one_handler();
    const std::lock_guard lock(pusher_mutex_);
    auto started = io::start_thread([self, handler = std::move(handler)] { self->push(handler); });
    if (!started) {
      pushes = false;
      return started.error();
    }
    pusher_ = std::move(*started);
    return std::nullopt;
  }

  // After leave(): the handler has been given the rest. From a call of the handler itself, that one
  // is the last.
  void stop_pushing() {
    std::thread pusher;
    {
      const std::lock_guard lock(pusher_mutex_);
      pusher = std::move(pusher_);
    }
    if (pusher.get_id() == std::this_thread::get_id()) {
      destroyed_ = true;
      pusher.detach();
    } else if (pusher.joinable()) {
      pusher.join();
    }
  }

  void input(node::Input input) { (void)mailbox.post(std::move(input)); }

  void look_for_primary() {
    if (!looking_.exchange(true)) (void)mailbox.post(peer::LookForPrimary{});
  }

  [[nodiscard]] bool wait_ready(std::size_t count, milliseconds timeout) {
    std::unique_lock lock(ready_mutex_);
    io::wait_until(ready_changed_, lock, base::later(io::clock_now(), timeout),
                   [&] { return left_ || ready_count_ >= count; });
    return ready_count_ >= count;
  }

  [[nodiscard]] Status status() {
    std::promise<Status> promise;
    auto status = promise.get_future();
    return mailbox.post(std::move(promise)) ? status.get() : after_leaving_.get();
  }

  [[nodiscard]] Covered covered(const Position& position, milliseconds timeout) {
    std::promise<Covered> promise;
    auto answer = promise.get_future();
    node::input::Ask ask{core.questions().number(), position, base::saturated(timeout)};
    const bool posted = mailbox.post(peer::AskCovered{std::move(ask), std::move(promise)});
    return posted ? answer.get() : Covered::unknown;
  }

  // Returns once the loop uses them.
  [[nodiscard]] Result<std::vector<std::string>> use_keys(Result<keys::Keyring> keyring) {
    if (!keyring) return keyring.error();
    auto names = keyring->names();
    std::promise<void> promise;
    auto used = promise.get_future();
    if (!mailbox.post(peer::UseKeys{std::move(keyring).value(), std::move(promise)})) {
      return peer::no_new_keys();
    }
    used.wait();
    return names;
  }

  peer::PeerCore core;
  peer::Mailbox mailbox;
  std::atomic<bool> has_primary = false;
  std::atomic<std::size_t> unsent_bytes = 0;
  std::atomic<std::size_t> unacknowledged_bytes = 0;
  std::atomic<bool> pushes = false;

 private:
  // --- by the thread of the handler ---

  // An exception of the handler ends the program.
  void push(const std::function<void(Incoming)>& handler) noexcept {
    { const std::lock_guard started(pusher_mutex_); }
    while (!destroyed_ && core.here()) {
      auto incoming = take(milliseconds::max());
      if (!incoming) return;
      handler(std::move(*incoming));
    }
  }

  // --- by the thread of the loop ---

  void run() {
    std::optional<Instant> leave_by;
    while (true) {
      core.loop().run_once(leave_by ? io::until(*leave_by) : until_woken);
      execute(mailbox.take(), leave_by);
      tell_state();
      const bool settled = core.loop().settled();
      if (leave_by && (settled || io::clock_now() >= *leave_by)) break;
    }
    mailbox.close();
    execute(mailbox.take(), leave_by);
    core.depart();
    tell_state();
    {
      const std::lock_guard lock(ready_mutex_);
      left_ = true;
      ready_changed_.notify_all();
    }
    last_status_.set_value(core.loop().status());
  }

  void execute(std::vector<peer::Command> commands, std::optional<Instant>& leave_by) {
    std::vector<node::Input> inputs;
    for (auto& command : commands) {
      if (auto* input = std::get_if<node::Input>(&command)) {
        inputs.push_back(std::move(*input));
      } else if (auto* leave = std::get_if<peer::LeaveBy>(&command)) {
        leave_by = leave->when;
      } else if (std::holds_alternative<peer::LookForPrimary>(command)) {
        looking_ = false;
        core.loop().look_for_primary();
      } else if (auto* ask = std::get_if<peer::AskCovered>(&command)) {
        core.answer_call(ask->ask.ticket, std::move(ask->answer));
        inputs.emplace_back(std::move(ask->ask));
      } else if (auto* use = std::get_if<peer::UseKeys>(&command)) {
        core.loop().use_keys(std::move(use->keyring));
        use->used.set_value();
      } else {
        std::get<std::promise<Status>>(command).set_value(core.loop().status());
      }
    }
    if (!inputs.empty()) core.loop().input(std::move(inputs));
  }

  void tell_state() {
    unsent_bytes = core.loop().unsent_bytes();
    unacknowledged_bytes = core.loop().unacknowledged_bytes();
    has_primary = core.loop().may_have_primary();
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
  bool left_ = false;
  std::promise<Status> last_status_;
  std::shared_future<Status> after_leaving_ = last_status_.get_future();
  std::thread runner_;
  std::atomic<bool> destroyed_ = false;  // the Peer
  std::mutex pusher_mutex_;
  std::thread pusher_;  // calls the handler of on_incoming()
};

Result<std::unique_ptr<Peer>> Peer::start(Options options) {
  auto world = peer::checked_world(options);
  if (!world) return world.error();
  auto thread = std::make_shared<Thread>(std::move(options), std::move(world).value());
  if (auto error = thread->start()) return std::move(*error);
  return std::unique_ptr<Peer>(new Peer(std::move(thread)));
}

Peer::Peer(std::shared_ptr<Thread> thread) : thread_(std::move(thread)) {}

Peer::~Peer() {
  if (thread_->core.here()) {
    leave();
    thread_->stop_pushing();
  } else {
    io::abandon(std::move(thread_));
  }
}

Published Peer::publish(Topic topic, std::string payload, Dependency dependency) {
  return publish({std::move(topic), std::move(payload), std::move(dependency)});
}

Published Peer::publish(Publication publication) {
  auto& thread = *thread_;
  if (!thread.core.here()) return {Publish::other_process};
  auto& dependency = publication.dependency;
  auto message = peer::take_message(publication);
  if (const auto why = thread.core.refusal(message, dependency, thread.has_primary)) {
    if (*why == Publish::no_primary) thread.look_for_primary();
    return {*why};
  }
  const auto bytes = message::footprint(message);
  const auto acknowledged = publication.acknowledged;
  const auto unanswered = acknowledged ? thread.unacknowledged_bytes.load() : 0;
  if (!thread.core.fits(bytes, thread.unsent_bytes + thread.mailbox.bytes() + unanswered)) {
    return {Publish::queue_full};
  }
  const auto ticket =
      thread.mailbox.publish({std::move(message), std::move(dependency), acknowledged}, bytes);
  return {ticket == 0 ? Publish::leaving : Publish::accepted, ticket};
}

void Peer::subscribe(Pattern pattern) {
  if (thread_->core.here()) thread_->input(node::input::Subscribe{std::move(pattern)});
}

void Peer::unsubscribe(const Pattern& pattern) {
  if (thread_->core.here()) thread_->input(node::input::Unsubscribe{pattern});
}

std::optional<Incoming> Peer::next(milliseconds timeout) {
  if (!thread_->core.here() || thread_->pushes) return std::nullopt;
  return thread_->take(timeout);
}

int Peer::descriptor() const {
  return thread_->core.here() ? thread_->core.inbox_descriptor() : -1;
}

std::optional<Error> Peer::on_incoming(std::function<void(Incoming)> handler) {
  if (!thread_->core.here()) return peer::not_here();
  return thread_->push_to(std::move(handler), thread_);
}

Covered Peer::covered(const Position& position, milliseconds timeout) {
  return thread_->core.here() ? thread_->covered(position, timeout) : Covered::unknown;
}

Asked Peer::when_covered(const Position& position, milliseconds timeout, Where where) {
  auto& thread = *thread_;
  if (!thread.core.here()) return {Ask::other_process};
  if (thread.core.leaving()) return {Ask::leaving};
  auto& questions = thread.core.questions();
  const auto ticket = questions.open(where);
  if (!ticket) return {Ask::too_many};
  node::input::Ask ask{*ticket, position, base::saturated(timeout), where};
  if (thread.mailbox.post(std::move(ask))) return {Ask::accepted, *ticket};
  questions.close(*ticket);
  return {Ask::leaving};
}

bool Peer::wait_ready(std::size_t count, milliseconds timeout) {
  return thread_->core.here() && thread_->wait_ready(count, timeout);
}

Status Peer::status() { return thread_->core.here() ? thread_->status() : Status{}; }

void Peer::trust_primary() {
  if (thread_->core.here()) thread_->input(node::input::TrustPrimary{});
}

Result<std::vector<std::string>> Peer::reload_keys() {
  if (!thread_->core.here()) return peer::not_here();
  return thread_->use_keys(thread_->core.reopen_keyring());
}

Result<std::vector<std::string>> Peer::use_keys(const std::string& text) {
  if (!thread_->core.here()) return peer::not_here();
  return thread_->use_keys(thread_->core.other_keyring(text));
}

void Peer::leave(milliseconds timeout) {
  if (thread_->core.here()) thread_->leave(timeout);
}

}  // namespace tidegate
