#include "tests/sim/database.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

#include "lib/base/limits.hpp"
#include "lib/base/must.hpp"
#include "lib/node/record.hpp"
#include "tests/sim/draws.hpp"

namespace tidegate::sim {

using std::chrono::microseconds;
using std::chrono::milliseconds;

std::string text_of(const Place& place) {
  std::array<char, 48> text{};
  std::snprintf(text.data(), text.size(), "%u:%llX/%llX", place.timeline,
                static_cast<unsigned long long>(place.lsn >> 32U),
                static_cast<unsigned long long>(place.lsn & 0xFFFFFFFFU));
  return text.data();
}

ServerId Database::add_cluster(const std::string& prefix, std::uint64_t system,
                               std::size_t replicas) {
  constexpr std::uint64_t start = 0x3000000;
  history_.found(system, start);
  const auto first = servers_.size();
  for (std::size_t i = 0; i <= replicas; ++i) {
    Server server;
    server.name = prefix + (i == 0 ? "p" : "r" + std::to_string(i));
    server.system = system;
    server.primary = i == 0;
    server.started = ++starts_;
    server.lsn = server.flushed = server.received = start;
    server.ship_lag = microseconds(300);
    server.replay_lag = microseconds(300);
    servers_.push_back(server);
    tell("found", server);
  }
  return first;
}

tidegate::History Database::history_of(ServerId id) const {
  return position_of(servers_[id].place()).history();
}

Position Database::position_of(const Place& place) const {
  std::vector<HistoryEntry> entries;
  for (const auto& step : history_.way_to(place.system, place.timeline)) {
    entries.push_back({step.number, step.begin, step.promoted});
  }
  // As the readers do it.
  const auto surplus = entries.size() - std::min(entries.size(), base::limits::history_entries);
  entries.erase(entries.begin(), entries.begin() + static_cast<std::ptrdiff_t>(surplus));
  auto history = tidegate::History::of(std::move(entries)).value();
  return {Branch(ServerKind::postgres, place.system, std::move(history)), place.lsn};
}

Position Database::by_number(const Position& position, ServerId primary) const {
  auto history = tidegate::History::of({{position.timeline(), 0, 0}}).value();
  auto told = position;
  told.branch =
      Branch(position.kind(), position.cluster(), std::move(history), servers_[primary].started);
  return told;
}

std::vector<ServerId> Database::primaries_of(std::uint64_t system) const {
  std::vector<ServerId> primaries;
  for (ServerId id = 0; id < servers_.size(); ++id) {
    const auto& server = servers_[id];
    if (server.system == system && server.primary && server.up) primaries.push_back(id);
  }
  return primaries;
}

std::optional<ServerId> Database::primary_of(std::uint64_t system) const {
  std::optional<ServerId> newest;
  for (ServerId id = 0; id < servers_.size(); ++id) {
    const auto& server = servers_[id];
    if (server.system != system || !server.primary || !server.up) continue;
    if (!newest || servers_[*newest].timeline < server.timeline) newest = id;
  }
  return newest;
}

bool Database::has_two_primaries(std::uint64_t system) const {
  return std::count_if(servers_.begin(), servers_.end(), [&](const Server& server) {
           return server.system == system && server.primary;
         }) > 1;
}

void Database::say(const Server& server, const std::string& what) {
  if (trace_.on()) {
    trace_.line(events_.elapsed(), server.name + "  " + what + " at " + text_of(server.place()));
  }
}

void Database::tell(std::string_view event, const Server& server, std::string_view from) const {
  trace_.record(events_.elapsed(), event, [&](base::JsonLine& line) {
    line.add("server", server.name)
        .add("place", to_text(position_of(server.place())))
        .add("role", server.primary ? "primary" : "standby")
        .add("life", node::life_text(server.incarnation()));
    if (!from.empty()) line.add("from", from);
  });
}

// --- writing ------------------------------------------------------------------------------------

std::uint64_t Database::write(Server& server, bool is_change, ChangeId& change) {
  TIDEGATE_MUST(server.up && server.primary);
  server.lsn = history_.write(server.system, server.timeline, from_to(random_, 3, 60) * 8,
                              is_change, change);
  trace_.record(events_.elapsed(), "write", [&](base::JsonLine& line) {
    line.add("server", server.name).add("lsn", server.lsn);
    if (change != no_such_change) line.add("change", change);
  });
  return server.lsn;
}

ChangeId Database::commit(ServerId id, bool sync, Duration flush_after) {
  auto change = no_such_change;
  const auto lsn = write(servers_[id], true, change);
  if (trace_.on()) {
    say(servers_[id],
        std::string(sync ? "commits" : "commits unflushed") + " change " + std::to_string(change));
  }
  if (sync) {
    flush(id, lsn);
  } else {
    flush_later(id, lsn, flush_after);
  }
  return change;
}

void Database::tail(ServerId id, Duration flush_after) {
  constexpr std::uint64_t page = 1024;
  auto change = no_such_change;
  const auto begin = servers_[id].lsn;
  const auto lsn = write(servers_[id], false, change);
  say(servers_[id], "has an unflushed tail");
  const auto page_end = lsn / page * page;
  if (page_end > begin && page_end < lsn) flush(id, page_end);
  flush_later(id, lsn, flush_after);
}

void Database::nudge(ServerId id) {
  auto change = no_such_change;
  flush(id, write(servers_[id], false, change));
}

void Database::flush(ServerId id, std::uint64_t lsn) {
  auto& server = servers_[id];
  if (lsn <= server.flushed) return;
  server.flushed = lsn;
  trace_.record(events_.elapsed(), "flush",
                [&](base::JsonLine& line) { line.add("server", server.name).add("lsn", lsn); });
  feed_replicas(server.system);
}

void Database::flush_later(ServerId id, std::uint64_t lsn, Duration delay) {
  events_.after(delay, [this, id, lsn, life = servers_[id].life] {
    if (servers_[id].life == life) flush(id, lsn);
  });
}

// --- shipping and replaying ---------------------------------------------------------------------

Duration Database::lag(const Server& server, Duration about) {
  return server.fixed ? about : random_.between(about / 2, about * 2);
}

std::uint64_t Database::somewhere(const Server& server, std::uint32_t timeline, std::uint64_t from,
                                  std::uint64_t to) {
  return server.fixed ? to : history_.boundary(server.system, timeline, from, to, random_.next());
}

void Database::feed_replicas(std::uint64_t system) {
  for (ServerId id = 0; id < servers_.size(); ++id) {
    if (servers_[id].system == system) ship(id);
  }
}

void Database::ship(ServerId id) {
  auto& server = servers_[id];
  if (server.shipping || !server.up || server.primary || server.detached) return;
  const auto upstream = primary_of(server.system);
  if (!upstream) return;
  const auto& primary = servers_[*upstream];
  if (server.received_timeline == primary.timeline && server.received >= replayable(primary)) {
    return;
  }
  server.shipping = true;
  events_.after(lag(server, server.ship_lag), [this, id, life = server.life] {
    if (servers_[id].life == life) shipped(id);
  });
}

void Database::shipped(ServerId id) {
  auto& server = servers_[id];
  server.shipping = false;
  const auto upstream = primary_of(server.system);
  if (!upstream || server.primary || server.detached) return;
  const auto& primary = servers_[*upstream];
  const Place flushed{primary.system, primary.timeline, replayable(primary)};
  if (server.received_timeline == primary.timeline) {
    server.received = somewhere(server, primary.timeline, server.received, flushed.lsn);
  } else if (history_.contains(flushed, server.timeline, server.lsn)) {
    server.received_timeline = primary.timeline;
    server.received = flushed.lsn;
    say(server, "follows timeline " + std::to_string(primary.timeline));
  } else {
    return strand(id);
  }
  replay(id);
  ship(id);
}

void Database::replay(ServerId id) {
  auto& server = servers_[id];
  if (server.replaying || !server.up || server.primary || server.paused) return;
  if (server.timeline == server.received_timeline && server.lsn >= server.received) return;
  server.replaying = true;
  events_.after(lag(server, server.replay_lag), [this, id, life = server.life] {
    if (servers_[id].life == life) replayed(id);
  });
}

void Database::replayed(ServerId id) {
  auto& server = servers_[id];
  server.replaying = false;
  if (server.paused || server.primary) return;
  const auto next = history_.next_towards(server.system, server.timeline, server.received_timeline);
  const auto until = next == 0 ? server.received : history_.begin(server.system, next);
  if (server.lsn < until) {
    server.lsn = somewhere(server, server.timeline, server.lsn, until);
  } else if (next != 0) {
    const auto beyond = history_.next_towards(server.system, next, server.received_timeline);
    const auto end = beyond == 0 ? server.received : history_.begin(server.system, beyond);
    server.timeline = next;
    server.lsn = somewhere(server, next, server.lsn, end);
  }
  say(server, "has replayed");
  tell("replay", server);
  replay(id);
}

bool Database::lag(const Server& server) const {
  const auto upstream = primary_of(server.system);
  if (!upstream || !server.up) return true;
  const auto& primary = servers_[*upstream];
  if (server.primary) return false;
  return server.timeline != primary.timeline || server.lsn < replayable(primary);
}

// --- trouble ------------------------------------------------------------------------------------

void Database::crash(ServerId id) {
  auto& server = servers_[id];
  if (!server.up) return;
  server.up = false;
  ++server.life;
  server.shipping = server.replaying = false;
  if (server.primary) {
    history_.cut_off(server.system, server.timeline, server.flushed);
    server.lsn = server.flushed = history_.end(server.system, server.timeline);
  }
  say(server, "crashes, and is");
  tell("crash", server);
  on_lost(id);
}

// A restart; one after which the clock was set back; the recovery from the crash of a backend,
// after which the start is the same, and so are the role and what the server is a copy of.
void Database::begin_life(Server& server, bool may_recover) {
  constexpr std::int64_t late = 1'000'000'000;
  const auto number = ++starts_;
  const auto kind = server.fixed ? 0 : random_.below(may_recover ? 3 : 2);
  if (kind == 2) {
    server.counted_since = one_in(random_, 2) ? number : -number;
  } else {
    server.started = kind == 0 ? number : late - number;
  }
}

void Database::come_up(ServerId id, bool may_recover) {
  auto& server = servers_[id];
  server.up = true;
  begin_life(server, may_recover);
  say(server, server.primary ? "is up as primary" : "is up as replica");
  tell("start", server);
  if (server.primary) {
    nudge(id);
    feed_replicas(server.system);
  } else {
    ship(id);
    replay(id);
  }
}

void Database::restart(ServerId id, bool rewound) {
  auto& server = servers_[id];
  if (server.up) return;
  if (server.stranded) return copy_primary(id);
  if (rewound && !server.primary) {
    const auto begin = history_.begin(server.system, server.timeline);
    const auto way = history_.way_to(server.system, server.timeline);
    if (way.size() > 1 && one_in(random_, 4)) {
      server.timeline = way[way.size() - 2].timeline;
      server.lsn =
          history_.boundary(server.system, server.timeline,
                            history_.begin(server.system, server.timeline), begin, random_.next());
    } else {
      server.lsn =
          history_.boundary(server.system, server.timeline, begin, server.lsn, random_.next());
    }
    say(server, "has rewound");
    tell("rewind", server);
  }
  come_up(id, true);
}

void Database::strand(ServerId id) {
  crash(id);
  servers_[id].stranded = true;
  copy_primary(id);
}

// pg_rewind or a base backup: what there is to say afterwards is the same.
void Database::copy_primary(ServerId id) {
  events_.after(random_.between(milliseconds(50), milliseconds(1500)),
                [this, id, life = servers_[id].life] {
                  auto& server = servers_[id];
                  if (server.life != life || server.up) return;
                  const auto upstream = primary_of(server.system);
                  if (!upstream) return copy_primary(id);
                  const auto& primary = servers_[*upstream];
                  server.primary = server.stranded = server.deposed = false;
                  server.timeline = server.received_timeline = primary.timeline;
                  server.lsn = server.received = replayable(primary);
                  tell("rebuild", server, primary.name);
                  come_up(id, false);
                });
}

void Database::promote(ServerId id) {
  TIDEGATE_MUST(!primary_of(servers_[id].system));
  for (auto& other : servers_) {
    if (other.system != servers_[id].system || !other.primary) continue;
    other.primary = false;
    other.stranded = other.deposed = true;
  }
  promote_apart(id);
}

void Database::promote_apart(ServerId id) {
  auto& server = servers_[id];
  TIDEGATE_MUST(server.up && !server.primary);
  server.paused = server.detached = false;
  if (server.timeline == server.received_timeline) {
    server.lsn = std::max(server.lsn, server.received);
  } else {
    server.timeline = server.received_timeline;
    server.lsn = server.received;
  }
  tell("replay", server);
  server.timeline = history_.branch(server.place());
  server.primary = true;
  server.flushed = server.lsn;
  say(server, "is promoted");
  tell("promote", server);
  nudge(id);
  feed_replicas(server.system);
}

void Database::come_back(ServerId id, bool as_primary) {
  auto& server = servers_[id];
  TIDEGATE_MUST(!server.up);
  server.primary = as_primary;
  server.stranded = server.deposed = false;
  server.received_timeline = server.timeline;
  server.received = server.flushed = server.lsn;
  come_up(id, false);
}

// A second primary of its cluster becomes a copy of the first.
void Database::strand_others(ServerId id) {
  for (ServerId other = 0; other < servers_.size(); ++other) {
    auto& server = servers_[other];
    if (other == id || server.system != servers_[id].system || !server.primary) continue;
    crash(other);
    server.primary = false;
    server.stranded = server.deposed = true;
    copy_primary(other);
  }
}

void Database::pause(ServerId id, bool paused) {
  auto& server = servers_[id];
  if (server.primary) return;
  if (server.paused != paused) say(server, paused ? "pauses replay" : "resumes replay");
  server.paused = paused;
  replay(id);
}

void Database::detach(ServerId id, bool detached) {
  servers_[id].detached = detached;
  ship(id);
}

bool Database::settled() const {
  return std::none_of(servers_.begin(), servers_.end(),
                      [this](const Server& server) { return lag(server); });
}

void Database::heal() {
  for (ServerId id = 0; id < servers_.size(); ++id) {
    if (servers_[id].primary) restart(id, false);
  }
  for (const auto& server : servers_) {
    if (const auto newest = primary_of(server.system)) strand_others(*newest);
  }
  for (ServerId id = 0; id < servers_.size(); ++id) {
    auto& server = servers_[id];
    server.detached = false;
    server.ship_lag = server.replay_lag = microseconds(500);
    if (!server.up) restart(id, false);
    pause(id, false);
    ship(id);
  }
}

}  // namespace tidegate::sim
