// A peer that the application runs: every call goes straight to the loop.
#include <utility>
#include <vector>

#include "lib/base/limits.hpp"
#include "lib/base/must.hpp"
#include "lib/message/footprint.hpp"
#include "peer/io/clock.hpp"
#include "peer/peer_core.hpp"
#include "tidegate/peer.hpp"

namespace tidegate {

using std::chrono::milliseconds;

struct DrivenPeer::Parts {
  Parts(Options options, peer::World world) : core(std::move(options), std::move(world)) {}

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

  void run_once(milliseconds timeout) {
    if (core.leaving()) return;
    send_waiting();
    sent = false;
    loop().run_once(timeout);
    send_waiting();  // from the handler
  }

  // Runs until it is so; false when the time is over.
  template <typename Condition>
  bool run_until(Condition&& condition, milliseconds timeout) {
    const auto end = io::clock_now() + timeout;
    while (!condition()) {
      if (core.leaving() || io::clock_now() >= end) return false;
      run_once(peer::until(end));
    }
    return true;
  }

  peer::PeerCore core;
  bool sent = false;  // something, since the last turn
  std::vector<node::Input> waiting;
  std::size_t waiting_bytes = 0;
  Ticket last_ticket = 0;  // the messages reach the node in the order of publish()
};

std::unique_ptr<DrivenPeer> peer::drive(Options options, World world) {
  return std::unique_ptr<DrivenPeer>(
      new DrivenPeer(std::make_unique<DrivenPeer::Parts>(std::move(options), std::move(world))));
}

Result<std::unique_ptr<DrivenPeer>> DrivenPeer::start(Options options) {
  auto world = peer::checked_world(options);
  if (!world) return world.error();
  return peer::drive(std::move(options), std::move(world).value());
}

DrivenPeer::DrivenPeer(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
DrivenPeer::~DrivenPeer() { leave(); }

Published DrivenPeer::publish(Topic topic, std::string payload, Dependency dependency) {
  auto& parts = *parts_;
  Message message{std::move(topic), std::move(payload), std::nullopt};
  if (const auto why = parts.core.refusal(message, dependency, parts.loop().has_primary())) {
    if (*why == Publish::no_primary) parts.loop().look_for_primary();
    return {*why};
  }
  const auto bytes = message::footprint(message);
  if (!parts.core.fits(bytes, parts.loop().outbox_bytes() + parts.waiting_bytes)) {
    return {Publish::outbox_full};
  }
  const auto ticket = ++parts.last_ticket;
  parts.publish(node::input::Publish{std::move(message), std::move(dependency)}, bytes);
  return {Publish::accepted, ticket};
}

void DrivenPeer::subscribe(Pattern pattern) {
  parts_->input(node::input::Subscribe{std::move(pattern)});
}

void DrivenPeer::unsubscribe(const Pattern& pattern) {
  parts_->input(node::input::Unsubscribe{pattern});
}

void DrivenPeer::run_once(milliseconds timeout) { parts_->run_once(timeout); }

std::optional<Incoming> DrivenPeer::next(milliseconds timeout) {
  auto& parts = *parts_;
  parts.send_waiting();
  std::optional<Incoming> incoming = parts.core.take(milliseconds(0));
  if (!incoming && !parts.core.leaving()) {
    const auto end = io::clock_now() + timeout;
    do {
      parts.run_once(peer::until(end));
      incoming = parts.core.take(milliseconds(0));
    } while (!incoming && !parts.core.leaving() && io::clock_now() < end);
  }
  if (parts.core.reopens()) parts.input(node::input::Demand{true});
  return incoming;
}

int DrivenPeer::descriptor() const { return parts_->loop().descriptor(); }

void DrivenPeer::on_incoming(std::function<void(Incoming)> handler) {
  while (auto incoming = parts_->core.take(milliseconds(0))) handler(std::move(*incoming));
  parts_->core.push_to(std::move(handler));
}

bool DrivenPeer::wait_ready(std::size_t count, milliseconds timeout) {
  auto& parts = *parts_;
  return parts.run_until([&] { return parts.loop().ready_count() >= count; }, timeout);
}

Status DrivenPeer::status() {
  parts_->send_waiting();
  return parts_->loop().status();
}

void DrivenPeer::leave(milliseconds timeout) {
  auto& parts = *parts_;
  if (!parts.core.begin_to_leave()) return;
  const auto end = io::clock_now() + timeout;
  parts.send_waiting();
  while (parts.loop().outbox_size() > 0 && io::clock_now() < end) {
    parts.loop().run_once(peer::until(end));
  }
  parts.core.depart();
}

}  // namespace tidegate
