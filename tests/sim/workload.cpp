#include "tests/sim/workload.hpp"

#include <algorithm>
#include <utility>

#include "tests/sim/draws.hpp"

namespace tidegate::sim {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

Workload::Workload(Simulation& simulation, base::Random random, const Profile& profile)
    : simulation_(simulation), random_(random), profile_(profile) {
  simulation_.on_delivery = [this](LifeId life, const Delivery& delivery) {
    answer(life, delivery);
  };
}

void Workload::start(Mood mood) {
  publishing_ = true;
  mood_ = mood;
  ++round_;
  later();
}

void Workload::stop() {
  publishing_ = false;
  ++round_;
}

void Workload::later() {
  simulation_.events.after(
      Duration(random_.below(static_cast<std::uint64_t>(2 * profile_.publish_every.count()) + 1)),
      [this, round = round_] {
        if (round != round_) return;
        act();
        later();
      });
}

Duration Workload::flush_time() {
  return one_in(random_, 10) ? random_.between(milliseconds(1), seconds(8))
                             : random_.between(microseconds(100), milliseconds(300));
}

Simulation::Publication Workload::publication(Note::Kind kind, ChangeId change,
                                              Dependency dependency) {
  Simulation::Publication made;
  made.note = {kind, change, random_.below(topics), simulation_.events.now()};
  made.dependency = std::move(dependency);
  made.note.acknowledged = one_in(random_, 4);
  if (profile_.largest_padding > 0) made.padding = random_.below(profile_.largest_padding);
  return made;
}

void Workload::act() {
  const auto& living = simulation_.living();
  if (living.empty()) return;
  const auto life = living[random_.below(living.size())];
  if (simulation_.peer(life).stalled) return;  // and its application with it
  switch (random_.below(11)) {
    case 10:
      return ask(life);
    case 0:
      return announce(life, from_to(random_, 2, 30));
    case 1:
    case 2:
      return mood_ == Mood::wild && one_in(random_, 10) ? announce_loose(life)
                                                        : announce_position(life);
    case 3:
      return announce_nothing(life, no_such_change);
    case 4:
      return commit_alone();
    default:
      return announce(life, 1);
  }
}

void Workload::announce(LifeId life, std::size_t changes) {
  const auto& peer = simulation_.peer(life);
  if (!peer.plan.primary || !peer.primary) return;
  const auto primary = simulation_.sessions.primary_of(life);
  if (!primary) return;
  const auto asked = simulation_.sessions.asks(life);
  std::vector<Simulation::Publication> batch;
  for (std::size_t i = 0; i < changes; ++i) {
    const bool sync = !one_in(random_, 3);
    const auto change = simulation_.database.commit(*primary, sync, flush_time());
    const AfterCommit dependency{sync && one_in(random_, 2)};
    batch.push_back(publication(Note::Kind::after_commit, change, dependency));
    batch.back().note.elsewhere = asked && asked != primary;
  }
  // COMMIT has to return, and the application to call.
  simulation_.events.after(random_.between(microseconds(1), microseconds(300)),
                           [this, life, batch = std::move(batch), round = round_] {
                             if (round == round_) simulation_.publish(life, batch);
                           });
}

void Workload::announce_position(LifeId life) {
  const auto& peer = simulation_.peer(life);
  const auto& home = simulation_.database.server(0);
  const auto system = peer.plan.primary.value_or(home.system);
  // Its own connection may lead to another primary than its peer's.
  const bool own = peer.plan.primary && one_in(random_, 2);
  const auto primaries = simulation_.database.primaries_of(system);
  if (primaries.empty()) return;
  const auto primary = own ? primaries[random_.below(primaries.size())]
                           : simulation_.database.primary_of(system).value();
  const auto change = simulation_.database.commit(primary, true);
  auto position = position_covering(primary, change);
  if (own) position = simulation_.database.by_number(position, primary);
  auto made = publication(Note::Kind::position, change, position);
  made.note.told_by = position.branch.server_started();
  simulation_.events.after(one_in(random_, 8) ? up_to(random_, seconds(3)) : microseconds(50),
                           [this, life, made, round = round_] {
                             if (round == round_) simulation_.publish(life, {made});
                           });
}

// As an application may know it: it asks some time after its commit, and perhaps before it too.
Position Workload::position_covering(ServerId primary, ChangeId change) {
  auto& database = simulation_.database;
  const auto begin = simulation_.history.change(change).begin;
  auto covering = change;
  for (auto others = random_.below(3); others > 0; --others)
    covering = database.commit(primary, true);
  auto position = database.position_of(simulation_.history.change(covering).place);
  if (!one_in(random_, 3)) position.after = begin - (one_in(random_, 2) ? 0 : random_.below(200));
  return position;
}

// Not so far ahead that the others' changes never get there.
void Workload::announce_loose(LifeId life) {
  auto& database = simulation_.database;
  const auto& server = database.server(random_.below(database.size()));
  const auto system = simulation_.peer(life).plan.primary.value_or(database.server(0).system);
  if (server.system != system) return;
  auto place = server.place();
  place.lsn += random_.below(2000);
  place.lsn -= std::min<std::uint64_t>(random_.below(2000), place.lsn - 1);
  auto position = database.position_of(place);
  if (one_in(random_, 2)) position.after = random_.below(position.offset);
  simulation_.publish(life, {publication(Note::Kind::loose, no_such_change, position)});
}

void Workload::announce_nothing(LifeId life, ChangeId answered) {
  const auto reads = simulation_.sessions.reads(life);
  if (reads && simulation_.database.server(*reads).up && one_in(random_, 3)) {
    auto read = publication(Note::Kind::no_change, answered, AfterRead{});
    read.note.read = simulation_.database.server(*reads).place();
    return simulation_.publish(life, {std::move(read)});
  }
  const bool apart = one_in(random_, 3);
  auto made = publication(Note::Kind::no_change, answered, NoChange{.apart = apart});
  made.note.apart = apart;
  simulation_.publish(life, {std::move(made)});
}

// A request that was redirected here after its write, or a deployment.
void Workload::ask(LifeId life) {
  const auto primary = simulation_.database.primary_of(simulation_.database.server(0).system);
  if (!primary) return;
  const auto change = simulation_.database.commit(*primary, true);
  const auto position = position_covering(*primary, change);
  const auto timeout = one_in(random_, 2) ? Duration::zero() : up_to(random_, seconds(3));
  const auto where = one_in(random_, 4) ? Where::everywhere : Where::here;
  simulation_.events.after(up_to(random_, milliseconds(100)),
                           [this, life, position, timeout, where, round = round_] {
                             if (round == round_) simulation_.ask(life, position, timeout, where);
                           });
}

// Other sessions write too.
void Workload::commit_alone() {
  const auto server = random_.below(simulation_.database.size());
  const auto primary = simulation_.database.primary_of(simulation_.database.server(server).system);
  if (!primary) return;
  if (one_in(random_, 3)) {
    simulation_.database.tail(*primary, random_.between(milliseconds(1), seconds(10)));
  } else {
    simulation_.database.commit(*primary, one_in(random_, 2), flush_time());
  }
}

void Workload::answer(LifeId life, const Delivery& delivery) {
  if (!publishing_ || !one_in(random_, 12)) return;
  const auto change = simulation_.oracle.change_of(delivery.origin, delivery.sequence);
  simulation_.events.after(up_to(random_, milliseconds(2)), [this, life, change, round = round_] {
    if (round != round_ || !simulation_.peer(life).alive || simulation_.peer(life).stalled) return;
    announce_nothing(life, change);
  });
}

}  // namespace tidegate::sim
