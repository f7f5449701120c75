// A peer that the application runs: every call goes straight to the loop.
//
// A handler is never called from within a turn of the loop: what a turn brings goes into the inbox,
// and is handed out when the turn is over. So a handler may call everything, may throw, may fork,
// and may destroy the peer, whose parts live until the call that has called it returns.
#include <algorithm>
#include <future>
#include <utility>
#include <vector>

#include "lib/base/limits.hpp"
#include "lib/base/must.hpp"
#include "lib/base/saturated.hpp"
#include "lib/base/utf8.hpp"
#include "lib/message/footprint.hpp"
#include "peer/io/clock.hpp"
#include "peer/peer_core.hpp"
#include "tidegate/peer.hpp"

namespace tidegate {

using std::chrono::milliseconds;

namespace {
constexpr auto waiting_for_it = std::future_status::timeout;
}  // namespace

struct DrivenPeer::Parts {
  Parts(Options options, peer::World world)
      : core(std::move(options), std::move(world), peer::Inbox::Shown::no) {}

  [[nodiscard]] peer::Loop& loop() { return core.loop(); }

  void input(node::Input input) {
    send_waiting();
    loop().input(std::move(input));
  }

  // The first message since the last turn is sent at once, unless it would have to queue anyway;
  // those behind it wait for the next turn, to travel in one frame.
  void publish(node::Input message, std::size_t bytes) {
    if (!std::exchange(sent, true) && !loop().still_sending()) return input(std::move(message));
    waiting.push_back(std::move(message));
    waiting_bytes += bytes;
    if (waiting_bytes >= base::limits::batch_bytes) {
      send_waiting();
    } else {
      loop().wake();
    }
  }

  void send_waiting() {
    if (waiting.empty()) return;
    waiting_bytes = 0;
    const auto count = waiting.size();
    loop().input(std::exchange(waiting, {}));
    waiting.reserve(count);  // of a flood as many wait again
  }

  void turn(milliseconds timeout) {
    send_waiting();
    sent = false;
    loop().run_once(timeout);
    hand_out();
    if (usable()) send_waiting();  // from the handler
  }

  [[nodiscard]] std::optional<Incoming> take() {
    auto incoming = core.take(milliseconds(0));
    if (core.reopens()) input(node::input::Demand{true});
    return incoming;
  }

  // To the handler, if there is one. Within a call of it nothing is handed out, since that call
  // is not over.
  void hand_out() {
    if (!handler || handing_out) return;
    handing_out = true;
    while (usable()) {
      auto incoming = take();
      if (!incoming) break;
      try {
        handler(std::move(*incoming));
      } catch (...) {
        handing_out = false;
        if (usable()) loop().wake();  // for the rest
        throw;
      }
    }
    handing_out = false;
  }

  [[nodiscard]] Result<std::vector<std::string>> use_keys(Result<keys::Keyring> keyring) {
    if (!keyring) return keyring.error();
    if (!runs()) return peer::no_new_keys();
    auto names = keyring->names();
    send_waiting();
    loop().use_keys(std::move(keyring).value());
    return names;
  }

  // The handler may have destroyed the peer, or this may be a process that it has forked.
  [[nodiscard]] bool usable() const { return !destroyed && core.here(); }
  [[nodiscard]] bool runs() const { return usable() && !core.leaving(); }

  // Runs until it is so; false when the time is over or the peer leaves.
  template <typename Condition>
  bool run_until(Condition&& condition, milliseconds timeout) {
    const auto end = base::later(io::clock_now(), timeout);
    while (!condition()) {
      if (!runs() || io::clock_now() >= end) return false;
      turn(io::until(end));
      if (!usable()) return false;
    }
    return true;
  }

  [[nodiscard]] Covered covered(const Position& position, milliseconds timeout) {
    std::promise<Covered> promise;
    auto answer = promise.get_future();
    const auto ticket = core.questions().number();
    core.answer_call(ticket, std::move(promise));
    input(node::input::Ask{ticket, position, base::saturated(timeout)});
    const auto answered = [&] { return answer.wait_for(milliseconds(0)) != waiting_for_it; };
    return run_until(answered, milliseconds::max()) ? answer.get() : Covered::unknown;
  }

  void leave(milliseconds timeout) {
    const auto end = base::later(io::clock_now(), timeout);
    send_waiting();
    while (!loop().settled() && io::clock_now() < end) loop().run_once(io::until(end));
    core.depart();
    hand_out();
  }

  peer::PeerCore core;
  std::function<void(Incoming)> handler;
  bool handing_out = false;
  bool destroyed = false;
  bool sent = false;  // something, since the last turn
  std::vector<node::Input> waiting;
  std::size_t waiting_bytes = 0;
  Ticket last_ticket = 0;  // the messages reach the node in the order of publish()
};

std::unique_ptr<DrivenPeer> peer::drive(Options options, World world) {
  return std::unique_ptr<DrivenPeer>(
      new DrivenPeer(std::make_shared<DrivenPeer::Parts>(std::move(options), std::move(world))));
}

Result<std::unique_ptr<DrivenPeer>> DrivenPeer::start(Options options) {
  auto world = peer::checked_world(options);
  if (!world) return world.error();
  return peer::drive(std::move(options), std::move(world).value());
}

DrivenPeer::DrivenPeer(std::shared_ptr<Parts> parts) : parts_(std::move(parts)) {}

DrivenPeer::~DrivenPeer() {
  leave();
  parts_->destroyed = true;
  if (!parts_->core.here()) io::abandon(std::move(parts_));
}

Published DrivenPeer::publish(Topic topic, std::string payload, Dependency dependency) {
  return publish({std::move(topic), std::move(payload), std::move(dependency)});
}

Published DrivenPeer::publish(Publication publication) {
  auto& parts = *parts_;
  if (!parts.core.here()) return {Publish::other_process};
  auto& dependency = publication.dependency;
  auto message = peer::take_message(publication);
  if (const auto why = parts.core.refusal(message, dependency, parts.loop().may_have_primary())) {
    if (*why == Publish::no_primary) parts.loop().look_for_primary();
    return {*why};
  }
  const auto bytes = message::footprint(message);
  const auto acknowledged = publication.acknowledged;
  const auto unanswered = acknowledged ? parts.loop().unacknowledged_bytes() : 0;
  if (!parts.core.fits(bytes, parts.loop().unsent_bytes() + parts.waiting_bytes + unanswered)) {
    return {Publish::queue_full};
  }
  const auto ticket = ++parts.last_ticket;
  parts.publish(node::input::Publish{std::move(message), std::move(dependency), acknowledged},
                bytes);
  return {Publish::accepted, ticket};
}

void DrivenPeer::subscribe(Pattern pattern) {
  if (parts_->core.here()) parts_->input(node::input::Subscribe{std::move(pattern)});
}

void DrivenPeer::unsubscribe(const Pattern& pattern) {
  if (parts_->core.here()) parts_->input(node::input::Unsubscribe{pattern});
}

void DrivenPeer::run_once(milliseconds timeout) {
  const auto parts = parts_;
  if (parts->runs()) {
    parts->turn(std::max(timeout, milliseconds(0)));
  } else {
    parts->hand_out();  // what its handler has left over by an exception
  }
}

std::optional<Incoming> DrivenPeer::next(milliseconds timeout) {
  auto& parts = *parts_;
  if (!parts.usable() || parts.handler) return std::nullopt;
  parts.send_waiting();
  auto incoming = parts.take();
  if (incoming || !parts.runs()) return incoming;
  const auto end = base::later(io::clock_now(), timeout);
  do {
    parts.turn(io::until(end));
    incoming = parts.take();
  } while (!incoming && io::clock_now() < end);
  return incoming;
}

int DrivenPeer::descriptor() const {
  return parts_->core.here() ? parts_->loop().descriptor() : -1;
}

std::optional<Error> DrivenPeer::on_incoming(std::function<void(Incoming)> handler) {
  const auto parts = parts_;
  if (!parts->usable()) return peer::not_here();
  if (parts->handler) return peer::one_handler();
  parts->handler = std::move(handler);
  parts->hand_out();
  return std::nullopt;
}

void DrivenPeer::on_trace(std::function<void(std::string_view)> handler) {
  parts_->loop().trace_to(std::move(handler));
}

void DrivenPeer::survey(std::function<void(const Survey&)> handler) {
  const auto parts = parts_;
  if (!parts->runs()) return;
  parts->send_waiting();
  parts->loop().survey(std::move(handler));
}

Covered DrivenPeer::covered(const Position& position, milliseconds timeout) {
  const auto parts = parts_;
  return parts->runs() ? parts->covered(position, timeout) : Covered::unknown;
}

Asked DrivenPeer::when_covered(const Position& position, milliseconds timeout, Where where) {
  auto& parts = *parts_;
  if (!parts.core.here()) return {Ask::other_process};
  if (parts.core.leaving()) return {Ask::leaving};
  const auto ticket = parts.core.questions().open(where);
  if (!ticket) return {Ask::too_many};
  parts.input(node::input::Ask{*ticket, position, base::saturated(timeout), where});
  return {Ask::accepted, *ticket};
}

Asked DrivenPeer::when_traced(const Pattern& pattern, milliseconds timeout) {
  auto& parts = *parts_;
  if (!parts.core.here()) return {Ask::other_process};
  if (parts.core.leaving()) return {Ask::leaving};
  const auto text = to_string(pattern);
  if (text.size() > base::limits::trace_pattern_bytes || !base::is_utf8(text)) {
    return {Ask::bad_pattern};
  }
  const auto ticket = parts.core.questions().open_trace();
  if (!ticket) return {Ask::too_many};
  parts.input(node::input::Trace{*ticket, pattern, base::saturated(timeout)});
  return {Ask::accepted, *ticket};
}

bool DrivenPeer::wait_ready(std::size_t count, milliseconds timeout) {
  const auto parts = parts_;
  if (!parts->usable()) return false;
  return parts->run_until([&] { return parts->loop().ready_count() >= count; }, timeout);
}

Status DrivenPeer::status() {
  if (!parts_->core.here()) return {};
  parts_->send_waiting();
  return parts_->loop().status();
}

std::vector<Cursor> DrivenPeer::cursors() {
  if (!parts_->core.here() || parts_->core.has_messages()) return {};
  parts_->send_waiting();
  return parts_->loop().cursors();
}

void DrivenPeer::trust_primary() {
  if (parts_->core.here()) parts_->input(node::input::TrustPrimary{});
}

Result<std::vector<std::string>> DrivenPeer::reload_keys() {
  const auto parts = parts_;
  if (!parts->usable()) return peer::not_here();
  return parts->use_keys(parts->core.reopen_keyring());
}

Result<std::vector<std::string>> DrivenPeer::use_keys(const std::string& text) {
  const auto parts = parts_;
  if (!parts->usable()) return peer::not_here();
  return parts->use_keys(parts->core.other_keyring(text));
}

void DrivenPeer::leave(milliseconds timeout) {
  const auto parts = parts_;
  if (parts->core.here() && parts->core.begin_to_leave()) parts->leave(timeout);
}

}  // namespace tidegate
