#include "tidegate/peer.hpp"

#include <atomic>
#include <thread>
#include <utility>

#include "lib/base/limits.hpp"
#include "lib/base/must.hpp"
#include "lib/message/footprint.hpp"
#include "peer/inbox.hpp"
#include "peer/io/clock.hpp"
#include "peer/loop.hpp"
#include "peer/mailbox.hpp"

namespace tidegate {
namespace {

using std::chrono::milliseconds;

// For the farewell to reach the wire.
constexpr milliseconds linger{200};
constexpr milliseconds forever{-1};

milliseconds until(Instant when) {
  const auto left = std::chrono::ceil<milliseconds>(when - io::clock_now());
  return std::max(left, milliseconds(0));
}

std::string all_of(const std::vector<Problem>& problems) {
  std::string text;
  for (const auto& problem : problems) {
    if (!text.empty()) text += "; ";
    text += problem.option + " " + problem.what;
  }
  return text;
}

}  // namespace

// What the loop's thread and the callers share, and the loop itself, which belongs to its thread.
struct Peer::Parts {
  Parts(Options the_options, Drive the_drive) : options(std::move(the_options)), drive(the_drive) {}

  [[nodiscard]] bool own_thread() const { return drive == Drive::own_thread; }

  // --- by the loop's thread, or by the caller's in its place ---

  void receive(Incoming incoming) {
    if (!own_thread() && handler) return handler(std::move(incoming));
    const auto bytes = inbox.push(std::move(incoming));
    if (demand && bytes > options.inbox_bytes) {
      demand = false;
      loop->input(node::input::Demand{false});
      // Everything may have been taken in between, and then no taker opens the gate again.
      if (reopens()) loop->input(node::input::Demand{true});
    }
  }

  // Tells the other threads how the loop stands.
  void publish_state() {
    outbox_bytes = loop->outbox_bytes();
    has_primary = loop->has_primary();
    const auto count = loop->ready_count();
    if (count == ready_count) return;
    const std::lock_guard lock(ready_mutex);
    ready_count = count;
    ready_changed.notify_all();
  }

  void run() {
    Instant leave_by = never;
    while (true) {
      loop->run_once(leave_by == never ? forever : until(leave_by));
      run_effects(mailbox.take(), leave_by);
      publish_state();
      if (leave_by != never && (loop->outbox_size() == 0 || io::clock_now() >= leave_by)) break;
    }
    mailbox.close();
    run_effects(mailbox.take(), leave_by);
    depart();
  }

  void run_effects(std::vector<peer::Command> commands, Instant& leave_by) {
    std::vector<node::Input> inputs;
    for (auto& command : commands) {
      if (auto* input = std::get_if<node::Input>(&command)) {
        inputs.push_back(std::move(*input));
      } else if (auto* leave = std::get_if<peer::LeaveBy>(&command)) {
        leave_by = leave->when;
      } else if (std::holds_alternative<peer::LookForPrimary>(command)) {
        looking = false;
        loop->look_for_primary();
      } else {
        std::get<std::promise<Status>>(command).set_value(loop->status());
      }
    }
    if (!inputs.empty()) loop->input(std::move(inputs));
  }

  void depart() {
    loop->input(node::input::Leave{});
    loop->close(linger);
    publish_state();
    last_status.set_value(loop->status());
    inbox.close();
  }

  // --- by any thread ---

  // Half empty again: the gate may go on, and the caller has to say so. Only the loop closes the
  // demand, so nobody opens it twice for one closing.
  bool reopens() {
    return !demand && inbox.bytes() <= options.inbox_bytes / 2 && !demand.exchange(true);
  }

  void post(node::Input input) {
    if (!own_thread()) {
      send_waiting();
      loop->input(std::move(input));
      publish_state();
    } else {
      (void)mailbox.post(std::move(input));
    }
  }

  // Drive::caller: the first message since the last turn is sent at once, unless it would have to
  // queue anyway; those behind it wait for the next turn, to travel in one frame.
  void publish(node::Input input, std::size_t bytes) {
    if (!std::exchange(sent, true) && !loop->still_sending()) return post(std::move(input));
    waiting.push_back(std::move(input));
    waiting_bytes += bytes;
    if (waiting_bytes >= base::limits::batch_bytes) {
      send_waiting();
    } else {
      loop->wake();
    }
  }

  void send_waiting() {
    if (waiting.empty()) return;
    waiting_bytes = 0;
    const auto count = waiting.size();
    loop->input(std::exchange(waiting, {}));
    waiting.reserve(count);  // of a flood as many wait again
    publish_state();
  }

  void look_for_primary() {
    if (!own_thread()) {
      loop->look_for_primary();
    } else if (!looking.exchange(true)) {
      (void)mailbox.post(peer::LookForPrimary{});
    }
  }

  Options options;
  Drive drive;
  peer::Inbox inbox;
  peer::Mailbox mailbox;
  std::unique_ptr<peer::Loop> loop;
  std::function<void(Incoming)> handler;

  // Drive::caller only.
  bool sent = false;  // something, since the last turn
  std::vector<node::Input> waiting;
  Ticket last_ticket = 0;  // its messages reach the node in the order of publish()
  std::size_t waiting_bytes = 0;

  std::atomic<bool> demand = true;  // the gate may release
  std::atomic<bool> has_primary = false;
  std::atomic<bool> looking = false;  // a LookForPrimary is in the mailbox
  std::atomic<std::size_t> outbox_bytes = 0;
  std::atomic<std::size_t> ready_count = 0;
  std::mutex ready_mutex;
  std::condition_variable ready_changed;
  std::atomic<bool> leaving = false;
  std::promise<Status> last_status;
  std::shared_future<Status> after_leaving = last_status.get_future();

  std::thread runner;
  std::thread pusher;
};

Result<std::unique_ptr<Peer>> Peer::start(Options options, Drive drive) {
  if (const auto problems = validate(options); !problems.empty()) return Error{all_of(problems)};
  auto parts = std::make_unique<Parts>(std::move(options), drive);
  auto* raw = parts.get();
  auto loop = peer::Loop::open(raw->options,
                               [raw](Incoming incoming) { raw->receive(std::move(incoming)); });
  if (!loop) return loop.error();
  parts->loop = std::move(loop).value();
  parts->publish_state();
  if (parts->own_thread()) {
    parts->loop->wake_on(parts->mailbox.descriptor());
    parts->runner = std::thread([raw] { raw->run(); });
  }
  return std::unique_ptr<Peer>(new Peer(std::move(parts)));
}

Peer::Peer(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

Peer::~Peer() {
  leave();
  if (parts_->pusher.joinable()) {
    TIDEGATE_MUST(parts_->pusher.get_id() != std::this_thread::get_id());
    parts_->pusher.join();
  }
}

Published Peer::publish(Topic topic, std::string payload, Dependency dependency) {
  auto& parts = *parts_;
  if (parts.leaving) return {Publish::leaving};
  if (payload.size() > parts.options.payload_bytes) return {Publish::payload_too_large};
  if (std::holds_alternative<AfterCommit>(dependency) && !parts.has_primary) {
    parts.look_for_primary();
    return {Publish::no_primary};
  }
  Message message{std::move(topic), std::move(payload), std::nullopt};
  const auto bytes = message::footprint(message);
  const auto waiting = parts.outbox_bytes + parts.mailbox.bytes() + parts.waiting_bytes;
  if (waiting > 0 && waiting + bytes > parts.options.outbox_bytes) return {Publish::outbox_full};
  node::input::Publish input{std::move(message), dependency};
  if (parts.own_thread()) {
    const auto ticket = parts.mailbox.publish(std::move(input), bytes);
    return {ticket == 0 ? Publish::leaving : Publish::accepted, ticket};
  }
  const auto ticket = ++parts.last_ticket;
  parts.publish(std::move(input), bytes);
  return {Publish::accepted, ticket};
}

void Peer::subscribe(Pattern pattern) { parts_->post(node::input::Subscribe{std::move(pattern)}); }

void Peer::unsubscribe(const Pattern& pattern) { parts_->post(node::input::Unsubscribe{pattern}); }

std::optional<Incoming> Peer::next(std::chrono::milliseconds timeout) {
  auto& parts = *parts_;
  std::optional<Incoming> incoming;
  if (parts.own_thread()) {
    incoming = parts.inbox.pop(timeout);
  } else {
    parts.send_waiting();
    incoming = parts.inbox.pop(milliseconds(0));
    if (!incoming) {
      const auto end = io::clock_now() + timeout;
      do {
        run_once(until(end));
        incoming = parts.inbox.pop(milliseconds(0));
      } while (!incoming && !parts.leaving && io::clock_now() < end);
    }
  }
  if (parts.reopens()) parts.post(node::input::Demand{true});
  return incoming;
}

int Peer::descriptor() const {
  return parts_->own_thread() ? parts_->inbox.descriptor() : parts_->loop->descriptor();
}

void Peer::on_incoming(std::function<void(Incoming)> handler) {
  auto& parts = *parts_;
  TIDEGATE_MUST(!parts.handler);
  parts.handler = std::move(handler);
  if (!parts.own_thread()) {
    while (auto incoming = parts.inbox.pop(milliseconds(0))) parts.handler(std::move(*incoming));
    return;
  }
  parts.pusher = std::thread([this] {
    while (auto incoming = next(forever)) parts_->handler(std::move(*incoming));
  });
}

void Peer::run_once(std::chrono::milliseconds timeout) {
  TIDEGATE_MUST(!parts_->own_thread());
  auto& parts = *parts_;
  if (parts.leaving) return;
  parts.send_waiting();
  parts.sent = false;
  parts.loop->run_once(timeout);
  parts.send_waiting();  // from the handler
  parts.publish_state();
}

bool Peer::wait_ready(std::size_t count, std::chrono::milliseconds timeout) {
  auto& parts = *parts_;
  const auto enough = [&] { return parts.ready_count >= count; };
  if (parts.own_thread()) {
    std::unique_lock lock(parts.ready_mutex);
    return parts.ready_changed.wait_for(lock, timeout, enough);
  }
  const auto end = io::clock_now() + timeout;
  while (!enough() && !parts.leaving && io::clock_now() < end) run_once(until(end));
  return enough();
}

Status Peer::status() {
  auto& parts = *parts_;
  if (parts.own_thread()) {
    std::promise<Status> promise;
    auto status = promise.get_future();
    return parts.mailbox.post(std::move(promise)) ? status.get() : parts.after_leaving.get();
  }
  parts.send_waiting();
  return parts.loop->status();
}

void Peer::leave(std::chrono::milliseconds timeout) {
  auto& parts = *parts_;
  if (parts.leaving.exchange(true)) return;
  const auto end = io::clock_now() + timeout;
  if (parts.own_thread()) {
    (void)parts.mailbox.post(peer::LeaveBy{end});
    parts.runner.join();
    return;
  }
  parts.send_waiting();
  while (parts.loop->outbox_size() > 0 && io::clock_now() < end) {
    parts.loop->run_once(until(end));
  }
  parts.depart();
}

}  // namespace tidegate
