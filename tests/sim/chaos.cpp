#include "tests/sim/chaos.hpp"

#include <algorithm>
#include <numeric>

#include "tests/sim/draws.hpp"

namespace tidegate::sim {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::uint64_t home = 7;
constexpr std::uint64_t foreign = 8;

}  // namespace

Chaos::Chaos(Simulation& simulation, base::Random random, const Profile& profile)
    : simulation_(simulation),
      random_(random),
      profile_(profile),
      total_weight_(std::accumulate(profile.weights.begin(), profile.weights.end(), 0U)) {}

void Chaos::set_up() {
  auto& database = simulation_.database;
  database.add_cluster("", home, profile_.replicas);
  const auto home_servers = database.size();
  if (profile_.foreign_cluster) database.add_cluster("f", foreign, 1);
  for (ServerId id = 0; id < database.size(); ++id) {
    database.server(id).ship_lag = random_.between(microseconds(100), milliseconds(20));
    database.server(id).replay_lag = random_.between(microseconds(100), milliseconds(10));
  }
  for (std::size_t slot = 0; slot < profile_.hosts; ++slot) {
    PeerPlan plan;
    // Two peers on one host now and then.
    const bool shares = slot > 0 && one_in(random_, 8);
    plan.host =
        shares ? plans_.back().host : simulation_.network.add_host("h" + std::to_string(slot));
    plan.port = static_cast<std::uint16_t>(100 * (slot + 1));
    const bool stranger = profile_.foreign_cluster && slot > 0 && one_in(random_, 3);
    plan.primary = stranger ? foreign : home;
    plan.reads = stranger ? home_servers + random_.below(database.size() - home_servers)
                          : random_.below(home_servers);
    if (one_in(random_, 10)) plan.reads.reset();
    if (one_in(random_, 12)) plan.primary.reset();
    if (one_in(random_, 3)) plan.seeds.push_back({simulation_.network.host_name(0), 101});
    if (profile_.small_queues) {
      plan.options.held_bytes = from_to(random_, 1, 20) * 1000;
      plan.options.unsent_bytes = from_to(random_, 1, 20) * 1000;
      plan.options.retain_bytes = from_to(random_, 1, 20) * 1000;
    }
    if (one_in(random_, 4)) plan.options.retain_for = from_to(random_, 1, 30) * seconds(1);
    if (one_in(random_, 3)) plan.options.from = From::earliest;
    plan.options.datagrams = !one_in(random_, 4);
    if (one_in(random_, 4)) {
      plan.options.overdue = one_in(random_, 2) ? Overdue::late : Overdue::drop;
      plan.options.overdue_after = from_to(random_, 1, 50) * milliseconds(100);
    }
    plans_.push_back(plan);
    living_.emplace_back();
  }
  simulation_.lateness = profile_.lateness;
  simulation_.silent_names = 125'000;
  for (std::size_t slot = 0; slot < plans_.size(); ++slot) {
    simulation_.events.after(one_in(random_, 2) ? Duration(0) : up_to(random_, seconds(2)),
                             [this, slot] { start_life(slot, std::nullopt); });
  }
}

void Chaos::start_life(std::size_t slot, std::optional<LifeId> earlier) {
  auto& plan = plans_[slot];
  plan.name = std::string(1, static_cast<char>('a' + slot)) + std::to_string(simulation_.lives());
  plan.id.reset();
  plan.continues.reset();
  if (earlier) {
    switch (random_.below(3)) {
      case 0:
        plan.id = simulation_.peer(*earlier).info.origin.peer;
        break;
      case 1:
        plan.continues = earlier;
        break;
      default:
        break;  // a stranger at the same address
    }
  }
  plan.options.resume.clear();
  if (earlier && one_in(random_, 2)) plan.options.resume = simulation_.oracle.cursors(*earlier);
  if (earlier && one_in(random_, 4)) plan.port = static_cast<std::uint16_t>(plan.port + 2);
  const auto life = simulation_.start(plan);
  living_[slot] = life;
  if (one_in(random_, 5)) {
    simulation_.subscribe(life, random_.below(topics), true);
  } else {
    simulation_.subscribe(life, topics, true);
  }
}

// --- when ---------------------------------------------------------------------------------------

void Chaos::start() {
  later();
  // A publisher dies in the moment in which it is told that a message is received, so that the word
  // of the others is all that is left.
  simulation_.on_received = [this, round = round_](LifeId life) {
    if (round != round_ || !one_in(random_, 100)) return;
    simulation_.events.after(Duration(0), [this, life] {
      const auto slot = std::find(living_.begin(), living_.end(), std::optional(life));
      if (slot != living_.end()) end_life(static_cast<std::size_t>(slot - living_.begin()), false);
    });
  };
}

void Chaos::later() {
  if (total_weight_ == 0) return;
  const auto most = static_cast<std::uint64_t>(2 * profile_.fault_every.count());
  simulation_.events.after(Duration(random_.below(most)), [this, round = round_] {
    if (round != round_) return;
    strike();
    later();
  });
}

void Chaos::undo(std::function<void()> what) {
  simulation_.events.after(lasting(), [this, round = round_, what = std::move(what)] {
    if (round == round_) what();
  });
}

void Chaos::heal() {
  ++round_;
  simulation_.network.heal();
  simulation_.silent_names = 0;
  simulation_.sessions.no_reading = 0;
  simulation_.sessions.delay = microseconds(30);
  simulation_.sessions.jitter = microseconds(100);
  for (const auto life : std::vector(simulation_.living())) {
    simulation_.stall(life, false);
    simulation_.demand(life, true);
  }
  // Slots whose peer is dead stay empty now and then.
  for (std::size_t slot = 0; slot < living_.size(); ++slot) {
    if (living_[slot] && simulation_.peer(*living_[slot]).alive) continue;
    if (slot < 2 || one_in(random_, 2)) start_life(slot, living_[slot]);
  }
  simulation_.database.heal();
  trust_primaries(20);
}

// Operators of peers that read no server: only they can know that a failover was taken back.
void Chaos::trust_primaries(int times) {
  for (const auto life : std::vector(simulation_.living())) {
    if (!simulation_.peer(life).plan.reads) simulation_.trust_primary(life);
  }
  if (times > 1) {
    simulation_.events.after(seconds(1), [this, times] { trust_primaries(times - 1); });
  }
}

// --- which --------------------------------------------------------------------------------------

std::optional<LifeId> Chaos::any_life() {
  const auto& living = simulation_.living();
  if (living.empty()) return std::nullopt;
  return living[random_.below(living.size())];
}

std::optional<ServerId> Chaos::any_replica() {
  const auto id = random_.below(simulation_.database.size());
  if (simulation_.database.server(id).primary) return std::nullopt;
  return id;
}

Path& Chaos::any_path() {
  const auto from = any_host();
  return simulation_.network.path(from, any_host());
}

void Chaos::strike() {
  auto drawn = random_.below(total_weight_);
  for (std::size_t i = 0; i < faults; ++i) {
    if (drawn < profile_.weights[i]) return strike(static_cast<Fault>(i));
    drawn -= profile_.weights[i];
  }
}

void Chaos::strike(Fault fault) {
  ++counts_.faults;
  auto& network = simulation_.network;
  auto& database = simulation_.database;
  switch (fault) {
    case Fault::loss: {
      auto& path = any_path();
      path.loss = static_cast<std::uint32_t>(from_to(random_, 1'000, 200'000));
      path.burst = from_to(random_, 1, 50);
      return undo([&path] { path.loss = 0; });
    }
    case Fault::direct_loss: {
      auto& path = any_path();
      path.direct_loss = static_cast<std::uint32_t>(from_to(random_, 10'000, 300'000));
      return undo([&path] { path.direct_loss = 0; });
    }
    case Fault::disorder: {
      auto& path = any_path();
      path.duplicates = static_cast<std::uint32_t>(from_to(random_, 0, 100'000));
      path.reorders = static_cast<std::uint32_t>(from_to(random_, 0, 50'000));
      return undo([&path] { path.duplicates = path.reorders = 0; });
    }
    case Fault::slow: {
      auto& path = any_path();
      path.delay = up_to(random_, milliseconds(1500));
      path.jitter = microseconds(100) + up_to(random_, milliseconds(500));
      return undo([&path] {
        path.delay = Path{}.delay;
        path.jitter = Path{}.jitter;
      });
    }
    case Fault::cut:
      return cut(any_host(), any_host(), one_in(random_, 2));
    case Fault::isolate: {
      const auto host = any_host();
      for (HostId other = 0; other < network.hosts(); ++other) cut(host, other, true);
      return;
    }
    case Fault::break_links: {
      const auto host = any_host();
      return network.break_between(host, any_host());
    }
    case Fault::half_close: {
      const auto host = any_host();
      return network.half_close(host, any_host());
    }
    case Fault::no_beacons: {
      const auto loss = static_cast<std::uint32_t>(from_to(random_, 300'000, 1'000'000));
      for (HostId a = 0; a < network.hosts(); ++a) {
        for (HostId b = 0; b < network.hosts(); ++b) network.path(a, b).datagram_loss = loss;
      }
      return;
    }
    case Fault::datagrams: {
      auto& path = any_path();
      path.datagram_loss = static_cast<std::uint32_t>(from_to(random_, 10'000, 900'000));
      path.datagram_size =
          static_cast<std::uint32_t>(one_in(random_, 3) ? 0 : from_to(random_, 500, 1500));
      return undo([&path] {
        path.datagram_loss = 0;
        path.datagram_size = Path{}.datagram_size;
      });
    }
    case Fault::stall:
      if (const auto life = any_life()) {
        simulation_.stall(*life, true);
        undo([this, life] { simulation_.stall(*life, false); });
      }
      return;
    case Fault::kill:
    case Fault::leave:
      return end_life(random_.below(living_.size()), fault == Fault::leave);
    case Fault::stop_taking:
      if (const auto life = any_life()) {
        simulation_.demand(*life, false);
        undo([this, life] { simulation_.demand(*life, true); });
      }
      return;
    case Fault::subscriptions:
      if (const auto life = any_life()) {
        const auto topic = random_.below(topics + 1);
        simulation_.subscribe(*life, topic, one_in(random_, 2));
      }
      return;
    case Fault::pause_replay:
      if (const auto id = any_replica()) {
        database.pause(*id, true);
        undo([this, id] { simulation_.database.pause(*id, false); });
      }
      return;
    case Fault::detach_replica:
      if (const auto id = any_replica()) {
        database.detach(*id, true);
        undo([this, id] { simulation_.database.detach(*id, false); });
      }
      return;
    case Fault::crash_replica:
      if (const auto id = any_replica()) {
        ++counts_.server_crashes;
        database.crash(*id);
        undo([this, id] { simulation_.database.restart(*id, one_in(random_, 2)); });
      }
      return;
    case Fault::crash_primary:
      return crash_primary(false);
    case Fault::fail_over:
      return crash_primary(true);
    case Fault::promote_apart:
      return promote_apart();
    case Fault::fail_back:
      return fail_back();
    case Fault::drop_sessions:
      if (const auto life = any_life()) simulation_.sessions.drop(*life);
      return;
    case Fault::slow_database:
      simulation_.sessions.jitter = up_to(random_, milliseconds(300)) + microseconds(100);
      simulation_.sessions.no_reading = static_cast<std::uint32_t>(from_to(random_, 0, 300'000));
      return undo([this] {
        simulation_.sessions.jitter = microseconds(100);
        simulation_.sessions.no_reading = 0;
      });
    case Fault::lose_kind: {
      auto& path = any_path();
      path.lost_kind = random_.below(Network::kinds);
      return undo([&path] { path.lost_kind = no_kind; });
    }
    case Fault::swap_addresses:
      return swap_addresses();
    case Fault::renew_session:
      if (const auto life = any_life()) simulation_.sessions.renew(*life);
      return;
    case Fault::switch_server:
      if (const auto life = any_life()) {
        simulation_.sessions.switch_server(*life, random_.below(simulation_.database.size()));
      }
      return;
    case Fault::last:
      return;
  }
}

// --- the larger ones ----------------------------------------------------------------------------

void Chaos::cut(HostId a, HostId b, bool both) {
  const bool swallows = one_in(random_, 2);
  auto& network = simulation_.network;
  network.path(a, b).cut = true;
  network.path(a, b).swallows = swallows;
  if (both) network.path(b, a).cut = network.path(b, a).swallows = true;
  const bool breaks = one_in(random_, 2);
  undo([this, a, b, breaks] {
    // Too long a silence, and TCP has given the connection up.
    if (breaks) simulation_.network.break_between(a, b);
    simulation_.network.open(a, b);
    simulation_.network.open(b, a);
  });
}

bool Chaos::may_end(std::size_t slot) {
  const auto life = living_[slot];
  return life && simulation_.peer(*life).alive && simulation_.lives() <= 4 * living_.size();
}

void Chaos::end_life(std::size_t slot, bool farewell) {
  const auto life = living_[slot];
  if (!may_end(slot)) return;
  ++counts_.peer_crashes;
  if (farewell) {
    simulation_.leave(*life);
  } else {
    simulation_.kill(*life);
  }
  simulation_.events.after(milliseconds(60) + lasting(), [this, slot, life, round = round_] {
    if (round == round_ && living_[slot] == life && !simulation_.peer(*life).alive) {
      start_life(slot, life);
    }
  });
}

// Each address is known to the others as that of somebody else.
void Chaos::swap_addresses() {
  const auto one = random_.below(living_.size());
  const auto other = random_.below(living_.size());
  if (!may_end(one) || !may_end(other)) return;
  end_life(one, one_in(random_, 2));
  end_life(other, one_in(random_, 2));
  std::swap(plans_[one].host, plans_[other].host);
  std::swap(plans_[one].port, plans_[other].port);
}

void Chaos::crash_primary(bool promote) {
  auto& database = simulation_.database;
  const auto system = database.server(random_.below(database.size())).system;
  const auto id = database.primary_of(system);
  if (!id) return;
  ++counts_.server_crashes;
  database.crash(*id);
  if (promote) {
    simulation_.events.after(up_to(random_, seconds(2)), [this, system, round = round_] {
      auto& all = simulation_.database;
      if (round != round_ || all.primary_of(system)) return;
      std::vector<ServerId> candidates;
      for (ServerId other = 0; other < all.size(); ++other) {
        const auto& server = all.server(other);
        if (server.system == system && server.up && !server.primary) candidates.push_back(other);
      }
      if (candidates.empty()) return;
      ++counts_.promotions;
      all.promote(candidates[random_.below(candidates.size())]);
    });
  }
  undo([this, id] { simulation_.database.restart(*id, false); });
}

void Chaos::promote_apart() {
  const auto id = any_replica();
  if (!id || !simulation_.database.server(*id).up) return;
  ++counts_.promotions;
  simulation_.database.promote_apart(*id);
  undo([this, id] {
    if (simulation_.database.server(*id).primary) simulation_.database.strand_others(*id);
  });
}

// Only while every peer knows the primary that dies: a peer that has never met it takes the former
// one for a restart of the same, and changes that were announced in between for its.
void Chaos::fail_back() {
  auto& database = simulation_.database;
  const auto id = random_.below(database.size());
  if (database.server(id).up || !database.server(id).deposed) return;
  const auto& living = simulation_.living();
  if (!std::all_of(living.begin(), living.end(),
                   [this](LifeId life) { return simulation_.sessions.connected(life); })) {
    return;
  }
  ++counts_.server_crashes;
  database.come_back(id, true);
  database.strand_others(id);
}

}  // namespace tidegate::sim
