#include "peer/peer_thread.hpp"

#include <utility>

#include "lib/base/saturated.hpp"
#include "peer/io/clock.hpp"
#include "peer/io/thread.hpp"

namespace tidegate {

using std::chrono::milliseconds;

namespace {

constexpr milliseconds until_woken{-1};

// The loop does not rest meanwhile.
struct InCall {
  explicit InCall(std::atomic<int>& count) : calls(count) { ++calls; }
  InCall(const InCall&) = delete;
  InCall& operator=(const InCall&) = delete;
  ~InCall() { --calls; }

  std::atomic<int>& calls;
};

}  // namespace

Peer::Thread::Thread(Options options, peer::World world)
    : core(std::move(options), std::move(world), peer::Inbox::Shown::by_descriptor),
      lead_([this] { core.loop().wake(); }) {
  tell_state();
}

std::optional<Error> Peer::Thread::start() {
  auto started = io::start_thread([this] { run(); });
  if (!started) return started.error();
  runner_ = std::move(*started);
  return std::nullopt;
}

// --- by any thread ------------------------------------------------------------------------------

void Peer::Thread::leave(milliseconds timeout) {
  if (!core.begin_to_leave()) return after_leaving_.wait();
  lead_.keep();
  (void)post(peer::LeaveBy{base::later(io::clock_now(), timeout)});
  runner_.join();
}

std::optional<Incoming> Peer::Thread::take(milliseconds timeout) {
  auto incoming = core.take(milliseconds(0));
  if (!incoming && timeout > milliseconds(0)) {
    const auto end = base::later(io::clock_now(), timeout);
    incoming = lead_until_one_comes(end);
    // While the peer leaves its own thread brings the rest.
    if (!incoming && lead_.kept()) incoming = core.take(io::until(end));
  }
  if (core.reopens()) input(node::input::Demand{true});
  return incoming;
}

bool Peer::Thread::post(peer::Command command) {
  const auto posted = mailbox.post(std::move(command));
  if (posted == peer::Mailbox::Posted::first) lead_.call();
  return posted != peer::Mailbox::Posted::no;
}

Ticket Peer::Thread::publish(node::input::Publish publish, std::size_t bytes) {
  const bool leads = lead_.take_for_once();
  const auto [posted, ticket] = mailbox.publish(std::move(publish), bytes);
  if (leads) {
    take_commands();
    tell_state();
    hand_on();
  } else if (posted == peer::Mailbox::Posted::first) {
    lead_.call();
  }
  return ticket;
}

std::optional<Error> Peer::Thread::push_to(std::function<void(Incoming)> handler,
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

void Peer::Thread::stop_pushing() {
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

void Peer::Thread::look_for_primary() {
  if (!looking_.exchange(true)) (void)post(peer::LookForPrimary{});
}

bool Peer::Thread::wait_ready(std::size_t count, milliseconds timeout) {
  const InCall in_call{calls_};
  lead_.call();
  std::unique_lock lock(ready_mutex_);
  io::wait_until(ready_changed_, lock, base::later(io::clock_now(), timeout),
                 [&] { return left_ || ready_count_ >= count; });
  return ready_count_ >= count;
}

Status Peer::Thread::status() {
  std::promise<Status> promise;
  auto status = promise.get_future();
  return post(std::move(promise)) ? status.get() : after_leaving_.get();
}

Covered Peer::Thread::covered(const Position& position, milliseconds timeout) {
  const InCall in_call{calls_};
  std::promise<Covered> promise;
  auto answer = promise.get_future();
  node::input::Ask ask{core.questions().number(), position, base::saturated(timeout)};
  const bool posted = post(peer::AskCovered{std::move(ask), std::move(promise)});
  return posted ? answer.get() : Covered::unknown;
}

Result<std::vector<std::string>> Peer::Thread::use_keys(Result<keys::Keyring> keyring) {
  if (!keyring) return keyring.error();
  auto names = keyring->names();
  std::promise<void> promise;
  auto used = promise.get_future();
  if (!post(peer::UseKeys{std::move(keyring).value(), std::move(promise)})) {
    return peer::no_new_keys();
  }
  used.wait();
  return names;
}

void Peer::Thread::push(const std::function<void(Incoming)>& handler) noexcept {
  { const std::lock_guard started(pusher_mutex_); }
  while (!destroyed_ && core.here()) {
    auto incoming = take(milliseconds::max());
    if (!incoming) return;
    handler(std::move(*incoming));
  }
}

// --- by the thread that leads -------------------------------------------------------------------

std::optional<Incoming> Peer::Thread::lead_until_one_comes(Instant end) {
  if (!lead_.take(end)) return core.take(milliseconds(0));
  struct HandOn {
    Thread& thread;
    ~HandOn() { thread.hand_on(); }
  };
  const HandOn hand_on{*this};
  take_commands();
  for (;;) {
    auto incoming = core.take(milliseconds(0));
    if (incoming || lead_.kept() || io::clock_now() >= end) return incoming;
    turn(io::until(end));
  }
}

void Peer::Thread::run() {
  lead_.take_over();
  take_commands();
  while (true) {
    turn(leave_by_ ? io::until(*leave_by_) : until_woken);
    const bool settled = core.loop().settled();
    if (leave_by_ && (settled || io::clock_now() >= *leave_by_)) break;
    if (!lead_.wanted()) continue;
    lead_.hand_on(false);
    lead_.take_over();
    take_commands();
  }
  mailbox.close();
  take_commands();
  core.depart();
  tell_state();
  {
    const std::lock_guard lock(ready_mutex_);
    left_ = true;
    ready_changed_.notify_all();
  }
  last_status_.set_value(core.loop().status());
}

void Peer::Thread::turn(milliseconds timeout) {
  core.loop().run_once(timeout);
  take_commands();
  tell_state();
}

void Peer::Thread::hand_on() { lead_.hand_on(calls_ > 0 || !core.loop().settled()); }

void Peer::Thread::take_commands() { execute(mailbox.take()); }

void Peer::Thread::execute(std::vector<peer::Command> commands) {
  std::vector<node::Input> inputs;
  for (auto& command : commands) {
    if (auto* input = std::get_if<node::Input>(&command)) {
      inputs.push_back(std::move(*input));
    } else if (auto* leave = std::get_if<peer::LeaveBy>(&command)) {
      leave_by_ = leave->when;
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

void Peer::Thread::tell_state() {
  unsent_bytes = core.loop().unsent_bytes();
  unacknowledged_bytes = core.loop().unacknowledged_bytes();
  has_primary = core.loop().may_have_primary();
  const auto count = core.loop().ready_count();
  if (count == ready_count_) return;
  const std::lock_guard lock(ready_mutex_);
  ready_count_ = count;
  ready_changed_.notify_all();
}

}  // namespace tidegate
