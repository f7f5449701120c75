#include <algorithm>
#include <deque>
#include <iterator>
#include <random>
#include <utility>
#include <vector>

#include "lib/base/saturated.hpp"
#include "lib/gate/gate.hpp"
#include "lib/gate/waiters.hpp"
#include "lib/message/footprint.hpp"
#include "lib/message/position_order.hpp"
#include "lib/node/server_account.hpp"
#include "lib/node/troubles.hpp"
#include "peer/io/clock.hpp"
#include "peer/io/headroom.hpp"
#include "peer/io/owner.hpp"
#include "peer/io/reactor.hpp"
#include "peer/servers/servers.hpp"
#include "tidegate/gate.hpp"

namespace tidegate {
namespace {

// The reactor's, and a connection to the server with what the resolver of names opens.
constexpr io::Headroom needed{.descriptors = 16, .threads = 0, .bytes = 0};
constexpr Duration pause_between_looks = std::chrono::seconds(1);
constexpr std::size_t most_untold = 64;  // troubles; the oldest go

// The gate keeps the order of a source, but messages of anybody come here in any order, and each
// may leave as soon as its position lets it. So each is put behind one whose position is not later
// than its own. As most come nearly in order, there are few such lanes.
class Lanes {
 public:
  [[nodiscard]] std::uint32_t lane_for(const Position& position) {
    const auto later = [](const Position& last, const Position& one) {
      return message::precedes(one, last);
    };
    const auto lane = std::lower_bound(last_.begin(), last_.end(), position, later);
    const auto index = static_cast<std::uint32_t>(lane - last_.begin());
    if (lane == last_.end()) {
      last_.push_back(position);
    } else {
      *lane = position;
    }
    return index;
  }
  void clear() { last_.clear(); }

 private:
  std::vector<Position> last_;  // of each lane, falling
};

struct Text {
  std::string text;

  [[nodiscard]] std::size_t footprint() const { return message::footprint_of(text.size(), 0); }
  void prefetch() const {}
};

}  // namespace

struct DatabaseGate::Parts {
  Parts(std::unique_ptr<servers::ReplayReader> the_reader, std::size_t held_bytes)
      : reader(std::move(the_reader)),
        gate(true, held_bytes, std::nullopt, decltype(gate)::Room::whole),
        watch(reactor.watch(reader->interest(), [](io::Readiness) {})) {}

  void advance(Instant now) {
    gate::ServerEvents events;
    reader->advance(now, events);
    for (auto& event : events) {
      std::visit([this](auto& e) { handle(e); }, event);
    }
  }

  void handle(gate::ReplayPositionRead& e) {
    if (e.tide && e.tide != gate.tide()) tide_since = io::clock_now();
    gate.polled(std::move(e.tide));
    waiters.look(gate.poll());
  }
  void handle(gate::TideForgotten&) { gate.forget_tide(); }
  void handle(ServerUp& e) {
    gate.server_up();
    account.up(e, io::clock_now());
    look_at = Instant::min();
    trouble = std::move(e.degraded);
  }
  void handle(ServerDown& e) {
    gate.server_down();
    waiters.look(gate.poll());
    account.down(e.reason, io::clock_now());
    look_at = Instant::min();
    trouble = std::move(e.reason);
  }
  void handle(Warning& e) { trouble = std::move(e.text); }
  // Nobody asks the primary here.
  void handle(const PrimaryUp&) {}
  void handle(const PrimaryDown&) {}
  void handle(const gate::CommitPositionRead&) {}

  // Reads if that is due, and brings the reactor up to date. With `more` there is something to do
  // at once.
  void go_on(Instant now, bool more) {
    if (gate.take_poll(now, waiters.waiting())) reader->read(now);
    watch.follow(reader->interest());
    const auto wake_at =
        std::min({gate.deadline(waiters.waiting()), waiters.deadline(), reader->deadline()});
    timer.set(more ? Instant::min() : wake_at);
    if (now >= look_at) look_for_trouble(now);
  }
  void go_on(Instant now) { go_on(now, gate.decided()); }

  [[nodiscard]] Covered covered(const Position& position, std::chrono::milliseconds timeout) {
    auto now = io::clock_now();
    if (timeout.count() <= 0) {
      waiters.ask_once(0, position, gate.poll(), now);
    } else {
      waiters.ask(0, position, gate.poll(), now, base::later(now, timeout));
    }
    while (true) {
      waiters.expire(gate.poll(), now);
      const auto answers = waiters.take_answers();
      go_on(now, false);
      if (!answers.empty()) return answers.front().covered;
      reactor.run_once(io::until(never));
      now = io::clock_now();
      advance(now);
    }
  }

  void look_for_trouble(Instant now) {
    look_at = now + pause_between_looks;
    Status status;
    status.gated = true;
    status.tide = gate.tide();
    if (status.tide) status.tide_still = now - tide_since;
    status.held = gate.held().size();
    if (status.held > 0) status.held_longest = now - gate.held().first_since();
    status.database = account.status(now);
    std::vector<Trouble> changes;
    troubles.look(status, now, changes);
    std::move(changes.begin(), changes.end(), std::back_inserter(untold));
    while (untold.size() > most_untold) untold.pop_front();
  }

  io::Owner owner;
  std::unique_ptr<servers::ReplayReader> reader;
  gate::Gate<std::uint32_t, Text> gate;
  gate::Waiters waiters;
  Lanes lanes;
  std::uint64_t arrivals = 0;
  std::string trouble = "not connected yet";
  node::ServerAccount account{true, io::clock_now()};
  node::Troubles troubles;
  std::deque<Trouble> untold;
  Instant tide_since = io::clock_now();
  Instant look_at = Instant::min();
  io::Reactor reactor;
  io::Reactor::Watch watch;
  io::Reactor::Timer timer = reactor.timer();
};

Result<std::unique_ptr<DatabaseGate>> DatabaseGate::open(const GateOptions& options) {
  if (auto error = io::lacks(needed)) return std::move(*error);
  auto reader = servers::open_replay_reader(options.database, std::random_device()());
  if (!reader) return reader.error();
  auto parts = std::make_shared<Parts>(std::move(reader).value(), options.held_bytes);
  parts->go_on(io::clock_now());
  return std::unique_ptr<DatabaseGate>(new DatabaseGate(std::move(parts)));
}

DatabaseGate::DatabaseGate(std::shared_ptr<Parts> parts) : parts_(std::move(parts)) {}

DatabaseGate::~DatabaseGate() {
  if (!parts_->owner.here()) io::abandon(std::move(parts_));
}

bool DatabaseGate::hold(std::string message, const Position& position) {
  if (!parts_->owner.here()) return false;
  const auto now = io::clock_now();
  Text text{std::move(message)};
  if (!parts_->gate.takes({}, position, std::nullopt, text.footprint(), false)) return false;
  if (parts_->gate.held().empty()) parts_->lanes.clear();
  const auto lane = parts_->lanes.lane_for(position);
  parts_->gate.hold({std::move(text), {position, std::nullopt}, lane, ++parts_->arrivals, now});
  parts_->go_on(now);
  return true;
}

std::optional<DatabaseGate::Released> DatabaseGate::next(std::chrono::milliseconds timeout) {
  if (!parts_->owner.here()) return std::nullopt;
  auto now = io::clock_now();
  const auto end = base::later(now, timeout);
  while (true) {
    auto released = parts_->gate.release(now);
    parts_->go_on(now);
    if (released) {
      auto& held = released->held;
      return Released{std::move(held.item.text), *held.awaited.own, released->visibility,
                      now - held.since};
    }
    parts_->reactor.run_once(io::until(end));
    now = io::clock_now();
    parts_->advance(now);
    if (now >= end && !parts_->gate.decided()) {
      parts_->go_on(now);
      return std::nullopt;
    }
  }
}

Covered DatabaseGate::covered(const Position& position, std::chrono::milliseconds timeout) {
  if (!parts_->owner.here()) return Covered::unknown;
  const auto covered = parts_->covered(position, timeout);
  parts_->go_on(io::clock_now());
  return covered;
}

int DatabaseGate::descriptor() const {
  return parts_->owner.here() ? parts_->reactor.descriptor() : -1;
}

std::size_t DatabaseGate::held() const {
  return parts_->owner.here() ? parts_->gate.held().size() : 0;
}

const std::string& DatabaseGate::trouble() const {
  static const std::string forked =
      "this gate belongs to the process that has forked this one; open another one here";
  return parts_->owner.here() ? parts_->trouble : forked;
}

std::optional<Trouble> DatabaseGate::next_trouble() {
  if (!parts_->owner.here() || parts_->untold.empty()) return std::nullopt;
  auto trouble = std::move(parts_->untold.front());
  parts_->untold.pop_front();
  return trouble;
}

}  // namespace tidegate
