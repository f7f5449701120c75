#include <algorithm>
#include <utility>
#include <vector>

#include "lib/base/must.hpp"
#include "lib/gate/gate.hpp"
#include "peer/io/clock.hpp"
#include "peer/io/event_set.hpp"
#include "peer/servers/postgres/replay_reader.hpp"
#include "tidegate/gate.hpp"

namespace tidegate {
namespace {

constexpr io::EventSet::Token watch_token = 1;

}  // namespace

struct DatabaseGate::Parts {
  Parts(postgres::ReplayReader the_watch, std::size_t held_bytes)
      : watch(std::move(the_watch)), gate(true, held_bytes) {}

  void advance(Instant now) {
    std::vector<postgres::ReplayEvent> news;
    watch.advance(now, news);
    for (auto& event : news) {
      if (auto* tide = std::get_if<Tide>(&event)) {
        gate.polled(std::move(*tide));
      } else if (std::holds_alternative<postgres::NoReading>(event)) {
        gate.polled(std::nullopt);
      } else if (auto* up = std::get_if<ServerUp>(&event)) {
        gate.server_up();
        trouble = std::move(up->degraded);
      } else if (auto* down = std::get_if<ServerDown>(&event)) {
        gate.server_down();
        trouble = std::move(down->reason);
      } else {
        trouble = std::move(std::get<Warning>(event).text);
      }
    }
  }

  void settle(Instant now) {
    const bool more = gate.decided();
    if (!more && gate.take_poll(now)) watch.poll(now);
    events.follow(connection, watch.interest());
    events.wake_at(more ? Instant::min() : std::min(gate.deadline(), watch.deadline()));
  }

  postgres::ReplayReader watch;
  gate::Gate gate;
  std::uint64_t arrivals = 0;
  std::string trouble = "not connected yet";
  io::EventSet events;
  io::EventSet::Connection connection{watch_token};
};

Result<std::unique_ptr<DatabaseGate>> DatabaseGate::open(const GateOptions& options) {
  auto watch = postgres::ReplayReader::create(options.database);
  if (!watch) return watch.error();
  auto parts = std::make_unique<Parts>(std::move(watch).value(), options.held_bytes);
  parts->settle(io::clock_now());
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
  parts_->settle(now);
  return true;
}

std::optional<DatabaseGate::Released> DatabaseGate::next(std::chrono::milliseconds timeout) {
  auto now = io::clock_now();
  const auto end = now + timeout;
  while (true) {
    auto released = parts_->gate.release(now);
    parts_->settle(now);
    if (released) {
      auto& held = released->held;
      return Released{std::move(held.message.payload), *held.message.position, released->visibility,
                      now - held.since};
    }
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - now);
    parts_->events.wait(std::max(left, std::chrono::milliseconds(0)));
    now = io::clock_now();
    parts_->advance(now);
    if (now >= end && !parts_->gate.decided()) {
      parts_->settle(now);
      return std::nullopt;
    }
  }
}

int DatabaseGate::descriptor() const { return parts_->events.descriptor(); }
std::size_t DatabaseGate::held() const { return parts_->gate.held().size(); }
const std::string& DatabaseGate::trouble() const { return parts_->trouble; }

}  // namespace tidegate
