#include <algorithm>
#include <utility>
#include <vector>

#include "lib/base/must.hpp"
#include "lib/gate/gate.hpp"
#include "peer/io/clock.hpp"
#include "peer/io/reactor.hpp"
#include "peer/servers/servers.hpp"
#include "tidegate/gate.hpp"

namespace tidegate {

struct DatabaseGate::Parts {
  Parts(std::unique_ptr<servers::ReplayReader> the_reader, std::size_t held_bytes)
      : reader(std::move(the_reader)),
        gate(true, held_bytes),
        watch(reactor.watch(reader->interest(), [](io::Readiness) {})) {}

  void advance(Instant now) {
    gate::ServerEvents events;
    reader->advance(now, events);
    for (auto& event : events) {
      std::visit([this](auto& e) { handle(e); }, event);
    }
  }

  void handle(gate::ReplayPositionRead& e) { gate.polled(std::move(e.tide)); }
  void handle(ServerUp& e) {
    gate.server_up();
    trouble = std::move(e.degraded);
  }
  void handle(ServerDown& e) {
    gate.server_down();
    trouble = std::move(e.reason);
  }
  void handle(Warning& e) { trouble = std::move(e.text); }
  // Nobody asks the primary here.
  void handle(const PrimaryUp&) {}
  void handle(const PrimaryDown&) {}
  void handle(const gate::CommitPositionRead&) {}

  // Reads if that is due, and brings the reactor up to date.
  void go_on(Instant now) {
    const bool more = gate.decided();
    if (!more && gate.take_poll(now)) reader->read(now);
    watch.follow(reader->interest());
    timer.set(more ? Instant::min() : std::min(gate.deadline(), reader->deadline()));
  }

  std::unique_ptr<servers::ReplayReader> reader;
  gate::Gate gate;
  std::uint64_t arrivals = 0;
  std::string trouble = "not connected yet";
  io::Reactor reactor;
  io::Reactor::Watch watch;
  io::Reactor::Timer timer = reactor.timer();
};

Result<std::unique_ptr<DatabaseGate>> DatabaseGate::open(const GateOptions& options) {
  auto reader = servers::open_replay_reader(options.database);
  if (!reader) return reader.error();
  auto parts = std::make_unique<Parts>(std::move(reader).value(), options.held_bytes);
  parts->go_on(io::clock_now());
  return std::unique_ptr<DatabaseGate>(new DatabaseGate(std::move(parts)));
}

DatabaseGate::DatabaseGate(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
DatabaseGate::~DatabaseGate() = default;

bool DatabaseGate::hold(std::string message, const Position& position) {
  static const Topic no_topic = Topic::of({""}).value();
  const auto now = io::clock_now();
  gate::Held held{Message{no_topic, std::move(message), position}, Origin{}, parts_->arrivals + 1,
                  now};
  if (!parts_->gate.hold(held, false)) return false;
  ++parts_->arrivals;
  parts_->go_on(now);
  return true;
}

std::optional<DatabaseGate::Released> DatabaseGate::next(std::chrono::milliseconds timeout) {
  auto now = io::clock_now();
  const auto end = now + timeout;
  while (true) {
    auto released = parts_->gate.release(now);
    parts_->go_on(now);
    if (released) {
      auto& held = released->held;
      return Released{std::move(held.message.payload), *held.message.position, released->visibility,
                      now - held.since};
    }
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - now);
    parts_->reactor.run_once(std::max(left, std::chrono::milliseconds(0)));
    now = io::clock_now();
    parts_->advance(now);
    if (now >= end && !parts_->gate.decided()) {
      parts_->go_on(now);
      return std::nullopt;
    }
  }
}

int DatabaseGate::descriptor() const { return parts_->reactor.descriptor(); }
std::size_t DatabaseGate::held() const { return parts_->gate.held().size(); }
const std::string& DatabaseGate::trouble() const { return parts_->trouble; }

}  // namespace tidegate
