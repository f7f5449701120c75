#include "tests/sim/sessions.hpp"

#include <utility>

#include "tests/sim/draws.hpp"

namespace tidegate::sim {

using std::chrono::milliseconds;

Duration Sessions::answer_time() { return delay + random_.between(Duration(0), jitter); }
Duration Sessions::pause() { return random_.between(retry / 2, retry + retry / 2); }

void Sessions::open(LifeId life, std::optional<ServerId> reads,
                    std::optional<std::uint64_t> primary) {
  if (peers_.size() <= life) peers_.resize(life + 1);
  auto& peer = peers_[life];
  peer.open = true;
  peer.reads = reads;
  peer.system = primary;
  if (reads) events_.after(answer_time(), [this, life] { connect_watch(life); });
  if (primary) events_.after(answer_time(), [this, life] { connect_tag(life); });
}

void Sessions::close(LifeId life) {
  auto& peer = peers_[life];
  peer.open = false;
  ++peer.watch.epoch;
  ++peer.dependency.epoch;
}

bool Sessions::connected(LifeId life) const {
  const auto& peer = peers_[life];
  return (!peer.reads || peer.watch.server) && (!peer.system || peer.dependency.server);
}

// --- the server that is read --------------------------------------------------------------------

void Sessions::connect_watch(LifeId life) {
  auto& peer = peers_[life];
  if (!peer.open || peer.watch.server) return;
  const auto& server = database_.server(*peer.reads);
  if (!runs_(life)) {
    events_.after(pause(), [this, life] { connect_watch(life); });
    return;
  }
  if (!server.up) {
    if (!std::exchange(peer.watch.told_down, true)) {
      give_(life, ServerDown{"the server can't be reached"}, std::nullopt);
    }
    events_.after(pause(), [this, life] { connect_watch(life); });
    return;
  }
  peer.watch.server = peer.reads;
  peer.watch.told_down = false;
  peer.watch.busy = true;
  read_tide(life);
  introduce_watched(life);
}

void Sessions::introduce_watched(LifeId life) {
  const auto& server = database_.server(*peers_[life].watch.server);
  ServerUp up;
  up.incarnation = server.incarnation();
  up.in_recovery = !server.primary;
  up.description = server.name;
  give_(life, std::move(up), std::nullopt);
}

void Sessions::poll(LifeId life) {
  auto& watch = peers_[life].watch;
  if (!watch.server || std::exchange(watch.busy, true)) return;
  read_tide(life);
}

void Sessions::read_tide(LifeId life) {
  const auto epoch = peers_[life].watch.epoch;
  peers_[life].watch.asked = events_.now();
  events_.after(answer_time() / 2, [this, life, epoch] {
    const auto& watch = peers_[life].watch;
    if (watch.epoch != epoch) return;
    const auto& server = database_.server(*watch.server);
    Tide tide;
    tide.incarnation = server.incarnation();
    tide.replayed = server.lsn;
    on_reading(life, *watch.server, Reads::lsn);
    events_.after(answer_time() / 2, [this, life, epoch, tide, place = server.place()] {
      if (peers_[life].watch.epoch == epoch) finish_tide(life, tide, place);
    });
  });
}

void Sessions::finish_tide(LifeId life, Tide tide, Place place) {
  auto& watch = peers_[life].watch;
  watch.busy = false;
  if (happens(random_, no_reading))
    return give_(life, node::input::ReplayPositionRead{std::nullopt, watch.asked}, std::nullopt);
  const auto& server = database_.server(*watch.server);
  tide.history = database_.history_of(*watch.server);
  on_reading(life, *watch.server, Reads::history);
  give_(life, node::input::ReplayPositionRead{std::move(tide), watch.asked},
        Truth{place, server.place()});
}

void Sessions::watch_broken(LifeId life) {
  auto& watch = peers_[life].watch;
  if (!watch.server) return;
  watch.server.reset();
  watch.busy = false;
  const auto epoch = ++watch.epoch;
  events_.after(answer_time(), [this, life, epoch] {
    auto& broken = peers_[life].watch;
    if (!peers_[life].open || broken.epoch != epoch) return;
    broken.told_down = true;
    give_(life, ServerDown{"the connection broke"}, std::nullopt);
    events_.after(pause(), [this, life] { connect_watch(life); });
  });
}

// --- the primary --------------------------------------------------------------------------------

// If there are two, the one that the peer reads.
std::optional<ServerId> Sessions::nearest_primary(LifeId life) const {
  const auto& peer = peers_[life];
  if (peer.reads) {
    const auto& read = database_.server(*peer.reads);
    if (read.up && read.primary && read.system == *peer.system) return peer.reads;
  }
  return database_.primary_of(*peer.system);
}

// The one that the server that is read follows, when that has left the timeline of the one that the
// peer asks.
std::optional<ServerId> Sessions::later_primary(LifeId life) const {
  const auto& peer = peers_[life];
  if (!peer.reads || !peer.watch.server || !peer.dependency.server) return std::nullopt;
  const auto& asked = database_.server(*peer.dependency.server);
  const auto& read = database_.server(*peer.reads);
  if (read.system != asked.system || !database_.is_past(asked, read)) return std::nullopt;
  const auto newest = nearest_primary(life);
  const bool follows = newest && database_.server(*newest).timeline == read.timeline;
  return follows ? newest : std::nullopt;
}

std::optional<ServerId> Sessions::primary_of(LifeId life) const {
  const auto& session = peers_[life].dependency;
  if (const auto later = later_primary(life)) return later;
  if (session.server || !session.told_down) return session.server;
  return database_.has_two_primaries(*peers_[life].system) ? std::nullopt : nearest_primary(life);
}

void Sessions::connect_tag(LifeId life) {
  auto& peer = peers_[life];
  if (!peer.open || peer.dependency.server) return;
  if (!runs_(life)) {
    events_.after(pause(), [this, life] { connect_tag(life); });
    return;
  }
  const auto primary = nearest_primary(life);
  if (!primary) {
    if (!std::exchange(peer.dependency.told_down, true)) {
      give_(life, PrimaryDown{"no primary can be reached"}, std::nullopt);
    }
    events_.after(pause(), [this, life] { connect_tag(life); });
    return;
  }
  peer.dependency.server = primary;
  peer.dependency.told_down = peer.dependency.busy = false;
  const auto& server = database_.server(*primary);
  PrimaryUp up;
  up.incarnation = server.incarnation();
  up.description = server.name;
  up.history = database_.history_of(*primary);
  give_(life, std::move(up), std::nullopt);
}

void Sessions::ask(LifeId life, bool nudge) {
  auto& peer = peers_[life];
  // The connection may have broken without the peer knowing; then PrimaryDown is the answer.
  if (!peer.dependency.server) return;
  peer.dependency.busy = true;
  const auto epoch = peer.dependency.epoch;
  events_.after(answer_time() / 2, [this, life, epoch, nudge] {
    const auto& dependency = peers_[life].dependency;
    if (dependency.epoch != epoch) return;
    if (nudge) database_.nudge(*dependency.server);
    const auto& server = database_.server(*dependency.server);
    const gate::CommitPosition reading{server.incarnation(),
                                       database_.history_of(*dependency.server), Lsn{server.lsn},
                                       Lsn{server.flushed}};
    on_reading(life, *dependency.server, Reads::commit_position);
    events_.after(answer_time() / 2, [this, life, epoch, reading] {
      if (peers_[life].dependency.epoch != epoch) return;
      peers_[life].dependency.busy = false;
      give_(life, node::input::CommitPositionRead{reading}, std::nullopt);
    });
  });
}

void Sessions::leave_primary(LifeId life) {
  auto& dependency = peers_[life].dependency;
  if (!dependency.server) return;  // broken meanwhile, and the peer will hear of it
  dependency.server.reset();
  dependency.busy = false;
  dependency.told_down = true;
  ++dependency.epoch;
  events_.after(pause(), [this, life] { connect_tag(life); });
}

void Sessions::tag_broken(LifeId life) {
  auto& dependency = peers_[life].dependency;
  if (!dependency.server) return;
  dependency.server.reset();
  dependency.busy = false;
  const auto epoch = ++dependency.epoch;
  events_.after(answer_time(), [this, life, epoch] {
    auto& broken = peers_[life].dependency;
    if (!peers_[life].open || broken.epoch != epoch) return;
    broken.told_down = true;
    give_(life, PrimaryDown{"the connection broke"}, std::nullopt);
    events_.after(milliseconds(5) + pause(), [this, life] { connect_tag(life); });
  });
}

// --- trouble ------------------------------------------------------------------------------------

void Sessions::lost(ServerId server) {
  for (LifeId life = 0; life < peers_.size(); ++life) {
    if (!peers_[life].open) continue;
    if (peers_[life].watch.server == server) watch_broken(life);
    if (peers_[life].dependency.server == server) tag_broken(life);
  }
}

void Sessions::drop(LifeId life) {
  watch_broken(life);
  tag_broken(life);
}

void Sessions::renew(LifeId life) {
  auto& watch = peers_[life].watch;
  if (!watch.server) return;
  ++watch.epoch;
  watch.busy = true;
  give_(life, node::input::TideForgotten{}, std::nullopt);
  read_tide(life);
}

void Sessions::switch_server(LifeId life, ServerId to) {
  auto& peer = peers_[life];
  const auto& other = database_.server(to);
  if (!peer.watch.server || peer.watch.server == to || !other.up) return;
  if (other.system != database_.server(*peer.watch.server).system) return;
  peer.reads = peer.watch.server = to;
  ++peer.watch.epoch;
  peer.watch.busy = true;
  give_(life, node::input::TideForgotten{}, std::nullopt);
  introduce_watched(life);
  read_tide(life);
}

}  // namespace tidegate::sim
