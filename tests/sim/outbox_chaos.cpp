#include "tests/sim/outbox_chaos.hpp"

#include <numeric>
#include <utility>
#include <vector>

#include "tests/sim/draws.hpp"

namespace tidegate::sim {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

OutboxProfile draw_outbox_profile(base::Random& random) {
  OutboxProfile profile;
  profile.replicas = one_in(random, 8) ? 0 : from_to(random, 1, 3);
  profile.foreign_cluster = one_in(random, 6);
  profile.hosts = from_to(random, 1, 3);
  profile.sessions = from_to(random, 1, 8);
  profile.chaos = one_in(random, 4) ? random.between(seconds(20), seconds(90))
                                    : random.between(seconds(2), seconds(20));
  const auto writes = static_cast<std::int64_t>(from_to(random, 50, 1500));
  profile.write_every = profile.chaos / writes;
  profile.poll_every = random.between(milliseconds(10), milliseconds(600));
  profile.work_every = random.between(milliseconds(10), milliseconds(600));
  profile.remove_every =
      one_in(random, 4) ? std::chrono::hours(1) : random.between(milliseconds(200), seconds(8));
  profile.kept_for = random.between(milliseconds(100), seconds(12));
  profile.fault_every = random.between(milliseconds(50), seconds(4));
  profile.longest_fault = random.between(milliseconds(200), seconds(12));
  for (auto& weight : profile.weights) {
    weight = one_in(random, 2) ? 0 : static_cast<std::uint32_t>(from_to(random, 1, 10));
  }
  return profile;
}

void OutboxChaos::set_up() {
  auto& database = world_.database;
  database.add_cluster("", 7, profile_.replicas);
  if (profile_.foreign_cluster) database.add_cluster("f", 8, 1);
  for (ServerId id = 0; id < database.size(); ++id) {
    const auto most = one_in(random_, 3) ? seconds(1) : milliseconds(50);
    database.server(id).ship_lag = random_.between(microseconds(100), most);
    database.server(id).replay_lag = random_.between(microseconds(100), most);
  }
}

void OutboxChaos::later() {
  const auto most = static_cast<std::uint64_t>(2 * profile_.fault_every.count());
  world_.events.after(Duration(random_.below(most)), [this, round = round_] {
    if (round != round_) return;
    const auto& weights = profile_.weights;
    const auto total = std::accumulate(weights.begin(), weights.end(), 0U);
    if (total == 0) return;
    auto drawn = random_.below(total);
    std::size_t fault = 0;
    while (drawn >= weights[fault]) drawn -= weights[fault++];
    ++faults_;
    strike(static_cast<OutboxFault>(fault));
    later();
  });
}

void OutboxChaos::undo(std::function<void()> what) {
  const auto lasting = milliseconds(1) + up_to(random_, profile_.longest_fault);
  world_.events.after(lasting, [this, round = round_, what = std::move(what)] {
    if (round == round_) what();
  });
}

void OutboxChaos::heal() {
  ++round_;
  world_.database.heal();
  for (std::size_t host = 0; host < world_.hosts.size(); ++host) {
    world_.lead_to(host, home_server());
    world_.start_host(host);
  }
}

std::optional<ServerId> OutboxChaos::any_replica() {
  const auto id = any_server();
  if (world_.database.server(id).primary) return std::nullopt;
  return id;
}

void OutboxChaos::strike(OutboxFault fault) {
  auto& database = world_.database;
  const auto host = random_.below(world_.hosts.size());
  switch (fault) {
    case OutboxFault::kill:
    case OutboxFault::end_machine:
      if (!world_.hosts[host].up) return;
      world_.end_host(host, fault == OutboxFault::end_machine);
      return undo([this, host] { world_.start_host(host); });
    case OutboxFault::lose_file:
      if (one_in(random_, 2)) world_.lose_file(random_.below(world_.subscriptions()));
      return;
    case OutboxFault::switch_server:
      return world_.lead_to(host, home_server());
    case OutboxFault::visit_foreign:
      world_.lead_to(host, any_server());
      return undo([this, host] { world_.lead_to(host, home_server()); });
    case OutboxFault::pause_replay:
      if (const auto id = any_replica()) {
        database.pause(*id, true);
        undo([this, id] { world_.database.pause(*id, false); });
      }
      return;
    case OutboxFault::detach_replica:
      if (const auto id = any_replica()) {
        database.detach(*id, true);
        undo([this, id] { world_.database.detach(*id, false); });
      }
      return;
    case OutboxFault::crash_replica:
    case OutboxFault::copy_replica:
      if (const auto id = any_replica()) {
        database.crash(*id);
        if (fault == OutboxFault::copy_replica) database.server(*id).stranded = true;
        undo([this, id] { world_.database.restart(*id, one_in(random_, 2)); });
      }
      return;
    case OutboxFault::crash_primary:
      return crash_primary(false);
    case OutboxFault::fail_over:
      return crash_primary(true);
    case OutboxFault::promote_apart: {
      const auto id = any_replica();
      if (!id || !database.server(*id).up) return;
      ++promotions_;
      database.promote_apart(*id);
      return undo([this, id] {
        if (world_.database.server(*id).primary) world_.database.strand_others(*id);
      });
    }
    case OutboxFault::fail_back: {
      const auto id = any_server();
      const auto& server = database.server(id);
      const auto primary = database.primary_of(server.system);
      // With all of a timeline that was left: two primaries of the same one are twins.
      if (server.up || !server.stranded || !primary ||
          database.server(*primary).timeline == server.timeline ||
          server.lsn < world_.history.end(server.system, server.timeline)) {
        return;
      }
      database.come_back(id, true);
      return database.strand_others(id);
    }
    case OutboxFault::restore:
      return restore();
    case OutboxFault::last:
      return;
  }
}

void OutboxChaos::crash_primary(bool promote) {
  auto& database = world_.database;
  const auto system = database.server(any_server()).system;
  const auto id = database.primary_of(system);
  if (!id) return;
  database.crash(*id);
  if (promote) {
    world_.events.after(up_to(random_, seconds(2)), [this, system, round = round_] {
      if (round == round_) promote_any(system);
    });
  }
  undo([this, id] { world_.database.restart(*id, false); });
}

void OutboxChaos::promote_any(std::uint64_t system) {
  auto& database = world_.database;
  if (database.primary_of(system)) return;
  std::vector<ServerId> candidates;
  for (ServerId id = 0; id < database.size(); ++id) {
    const auto& server = database.server(id);
    if (server.system == system && server.up && !server.primary) candidates.push_back(id);
  }
  if (candidates.empty()) return;
  ++promotions_;
  database.promote(candidates[random_.below(candidates.size())]);
}

// A base backup, recovered up to some place and promoted there; the others become copies of it.
void OutboxChaos::restore() {
  auto& database = world_.database;
  const auto id = any_replica();
  if (!id || database.server(*id).stranded) return;
  auto& server = database.server(*id);
  while (const auto primary = database.primary_of(server.system)) {
    database.crash(*primary);
    undo([this, primary] { world_.database.restart(*primary, false); });
  }
  database.crash(*id);
  database.restart(*id, true);
  server.received_timeline = server.timeline;
  server.received = server.lsn;
  ++promotions_;
  database.promote(*id);
}

}  // namespace tidegate::sim
