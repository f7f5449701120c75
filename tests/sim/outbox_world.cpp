#include "tests/sim/outbox_world.hpp"

#include <algorithm>
#include <utility>

#include "lib/base/must.hpp"
#include "tests/sim/draws.hpp"

namespace tidegate::sim {
namespace {

using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

const Topic the_topic = Topic::of({"t"}).value();

RowNumber number_of(const std::string& payload) { return std::stoull(payload); }

// It is anywhere between nothing and twice as long.
Duration about(base::Random& random, Duration middle) {
  return microseconds(1) + random.between(Duration(0), 2 * middle);
}

}  // namespace

OutboxWorld::OutboxWorld(std::uint64_t seed, const OutboxProfile& profile, Trace& to)
    : events(Instant(hours(1))),
      random(seed),
      trace(to),
      database(events, base::Random(random.next()), history, to),
      log(database, history, events, base::Random(random.next()), to),
      oracle(history, log),
      profile_(profile) {
  database.on_lost = [](ServerId) {};  // a life that has ended tells it
}

void OutboxWorld::say(std::size_t id, const std::string& what) {
  if (trace.on()) trace.line(events.elapsed(), "c" + std::to_string(id) + "  " + what);
}

void OutboxWorld::start() {
  for (std::size_t host = 0; host < profile_.hosts; ++host) {
    hosts.push_back({random.below(database.size()), true, {}});
    for (auto more = from_to(random, 1, 3); more > 0; --more) {
      hosts.back().subscriptions.push_back(subscriptions_.size());
      subscriptions_.push_back({host});
      begin(subscriptions_.size() - 1);
    }
  }
  for (std::size_t i = 0; i < profile_.sessions; ++i) {
    sessions_.push_back({database.server(i % 4 == 3 ? database.size() - 1 : 0).system});
  }
  repeat(profile_.write_every, &OutboxWorld::write_something);
  repeat(profile_.remove_every, &OutboxWorld::remove_something);
}

void OutboxWorld::repeat(Duration often, void (OutboxWorld::*what)()) {
  events.after(about(random, often), [this, often, what] {
    (this->*what)();
    repeat(often, what);
  });
}

void OutboxWorld::run_for(Duration duration) {
  const auto until = events.now() + duration;
  while (!broken() && events.next() <= until) events.run_next();
  events.pass_to(until);
}

// --- writing ------------------------------------------------------------------------------------

// Any, as one who writes may not know that there is another.
std::optional<ServerId> OutboxWorld::any_primary(std::uint64_t system) {
  if (one_in(random, 2)) return database.primary_of(system);
  const auto id = random.below(database.size());
  const auto& server = database.server(id);
  if (server.system != system || !server.up || !server.primary) return std::nullopt;
  return id;
}

void OutboxWorld::connect(Session& session) {
  session.server = any_primary(session.system);
  session.name = names_++;
  session.transaction.reset();
  if (session.server) session.life = database.server(*session.server).life;
}

void OutboxWorld::write_something() {
  if (!writing_) return;
  auto& session = sessions_[random.below(sessions_.size())];
  const auto lives = [&] {
    const auto& server = database.server(*session.server);
    return server.up && server.primary && server.life == session.life;
  };
  if (!session.server || !lives() || one_in(random, 200)) {
    // It says goodbye if it can; what was open is rolled back.
    if (session.server && lives() && session.transaction) {
      log.end(*session.server, *session.transaction, false, false);
    }
    return connect(session);
  }
  if (!session.transaction) {
    session.transaction = log.begin(*session.server);
    session.open_until =
        events.now() + (one_in(random, 8) ? up_to(random, seconds(10)) : Duration(0));
    return;
  }
  if (one_in(random, 2)) {
    ++counts.announced;
    return log.announce(*session.server, *session.transaction, session.name);
  }
  if (events.now() < session.open_until) return;
  log.end(*session.server, *session.transaction, !one_in(random, 6), one_in(random, 2));
  session.transaction.reset();
}

void OutboxWorld::remove_something() {
  if (!writing_) return;
  const auto id = any_primary(database.server(random.below(database.size())).system);
  if (id) log.remove(*id, events.now() - profile_.kept_for, from_to(random, 1, 30));
}

void OutboxWorld::stop_sessions() {
  writing_ = false;
  for (auto& session : sessions_) {
    if (!session.server || !session.transaction) continue;
    const auto& server = database.server(*session.server);
    if (server.up && server.primary && server.life == session.life) {
      log.end(*session.server, *session.transaction, one_in(random, 2), true);
    }
  }
}

void OutboxWorld::announce_last(std::uint64_t system) {
  const auto primary = database.primary_of(system);
  TIDEGATE_MUST(primary.has_value());
  const auto xid = log.begin(*primary);
  last_row_ = log.rows().size();
  log.announce(*primary, xid, names_++);
  log.end(*primary, xid, true, true);
}

bool OutboxWorld::all_are_done() const {
  return std::all_of(subscriptions_.begin(), subscriptions_.end(), [](const Subscription& each) {
    return each.has_last && each.under_way.empty();
  });
}

bool OutboxWorld::all_have_begun() const {
  return std::all_of(subscriptions_.begin(), subscriptions_.end(),
                     [](const Subscription& each) { return each.reader && each.reader->cursor(); });
}

// --- reading ------------------------------------------------------------------------------------

void OutboxWorld::begin(std::size_t id) {
  auto& it = subscriptions_[id];
  ++it.life;
  it.asking = it.has_last = false;
  it.under_way.clear();
  it.stale.clear();
  if (it.written.text.empty()) {
    it.wants_all = one_in(random, 2);
    it.reader.emplace(it.wants_all ? outbox::Reader::From::earliest : outbox::Reader::From::now);
    oracle.fresh(id, it.wants_all);
    it.seen.clear();
  } else {
    it.reader.emplace(outbox::cursor_from_text(it.written.text).value());
    oracle.restarted(id, it.written.state);
  }
  say(id, "begins with " + (it.written.text.empty() ? "nothing" : it.written.text));
  poll_later(id, profile_.poll_every);
  events.after(about(random, profile_.work_every), [this, id, life = it.life] {
    if (subscriptions_[id].life == life) work(id);
  });
}

void OutboxWorld::poll_later(std::size_t id, Duration after) {
  events.after(about(random, after), [this, id, life = subscriptions_[id].life] {
    if (subscriptions_[id].life == life) poll(id);
  });
}

void OutboxWorld::poll(std::size_t id) {
  auto& it = subscriptions_[id];
  poll_later(id, profile_.poll_every);
  const auto server = hosts[it.host].server;
  if (it.asking || !database.server(server).up) return;
  const auto question = it.reader->question();
  if (!question) return;
  it.asking = true;
  Answer answer{read(server, *question), {}, server, database.server(server).life};
  answer.places.rows = database.server(server).place();
  events.after(one_in(random, 4) ? up_to(random, seconds(1)) : microseconds(100),
               [this, id, life = it.life, answer = std::move(answer)]() mutable {
                 if (subscriptions_[id].life == life) tell_tide(id, std::move(answer));
               });
}

// As peer/servers/postgres asks, in one snapshot; it may hand out less than it was asked for.
outbox::Reading OutboxWorld::read(ServerId id, const outbox::Question& question) {
  const auto& shown = log.shown(id);
  outbox::Reading reading;
  reading.horizon = shown.horizon();
  reading.removed_before = shown.removed_before;
  const auto most = std::min<std::size_t>(
      question.most_rows, one_in(random, 3) ? from_to(random, 1, 10) : question.most_rows);
  for (auto each = shown.rows.lower_bound({question.from, 0}); each != shown.rows.end(); ++each) {
    const auto& [xid, row_id] = each->first;
    if (question.except.has(row_id)) continue;
    if (question.settled_only && xid >= reading.horizon) continue;
    if (question.unsettled_only && xid < reading.horizon) continue;
    if (reading.rows.size() + reading.unreadable.size() == most) {
      reading.more = true;
      break;
    }
    const auto payload = std::to_string(each->second);
    if (log.rows()[each->second].readable) {
      reading.rows.push_back({{xid, row_id}, 0, the_topic, payload});
    } else {
      reading.unreadable.push_back({{xid, row_id}, payload});
    }
  }
  return reading;
}

// Behind the rows. The history is read behind the offset, so that may be of before a promotion.
void OutboxWorld::tell_tide(std::size_t id, Answer answer) {
  const auto& server = database.server(answer.server);
  if (!server.up || server.life != answer.server_life) {
    subscriptions_[id].asking = false;
    return;
  }
  auto& tide = answer.places.tide;
  tide = server.place();
  if (one_in(random, 4)) tide.lsn = answer.places.rows.lsn;
  answer.reading.tide = {server.incarnation(), database.position_of(tide).history(), tide.lsn};
  wait_for_flush(id, std::move(answer));
}

void OutboxWorld::wait_for_flush(std::size_t id, Answer answer) {
  const auto& server = database.server(answer.server);
  if (!server.up || server.life != answer.server_life) {
    subscriptions_[id].asking = false;
    return;
  }
  if (!server.primary || server.flushed >= answer.places.tide.lsn) {
    return take(id, std::move(answer));
  }
  if (one_in(random, 4)) database.nudge(answer.server);
  events.after(about(random, milliseconds(20)),
               [this, id, life = subscriptions_[id].life, answer = std::move(answer)]() mutable {
                 if (subscriptions_[id].life == life) wait_for_flush(id, std::move(answer));
               });
}

void OutboxWorld::take(std::size_t id, Answer answer) {
  auto& it = subscriptions_[id];
  ++counts.readings;
  it.asking = false;
  auto taken = it.reader->take(answer.reading, events.now());
  answer.places.whole = !answer.reading.more;
  oracle.read(id, answer.places, it.reader->cursor().has_value());
  if (trace.on() && (!taken.deliveries.empty() || taken.loss)) {
    say(id, "reads " + database.server(answer.server).name + " at " +
                sim::text_of(answer.places.rows) + ", told " + sim::text_of(answer.places.tide) +
                ", horizon " + std::to_string(answer.reading.horizon));
  }
  hand_out(id, std::move(taken), answer);
}

void OutboxWorld::hand_out(std::size_t id, outbox::Reader::Taken taken, const Answer& answer) {
  auto& it = subscriptions_[id];
  if (taken.loss) {
    using Why = outbox::Reader::Loss::Why;
    const auto [why, first, last] = *taken.loss;
    auto& count = why == Why::removed  ? counts.removed
                  : why == Why::undone ? counts.undone
                                       : counts.foreign;
    ++count;
    say(id, std::string("is told ") +
                (why == Why::removed ? "removed" : (why == Why::undone ? "undone" : "foreign")) +
                " " + std::to_string(first) + " to " + std::to_string(last));
    if (why != Why::removed) {
      for (const auto& [ticket, row] : it.under_way) it.stale.push_back(ticket);
      it.under_way.clear();
    }
    oracle.lost(id, {static_cast<OutboxOracle::Loss>(why), first, last}, answer.places);
  }
  const auto is_given = [&](const std::string& payload) {
    const auto row = number_of(payload);
    say(id, "gets row " + payload);
    ++counts.delivered;
    if (!it.seen.insert(row).second) ++counts.again;
    if (row == last_row_) it.has_last = true;
    oracle.delivered(id, row, answer.places.rows);
    return row;
  };
  for (const auto& [ticket, row] : taken.deliveries) it.under_way[ticket] = is_given(row.payload);
  for (const auto& row : taken.unreadable) oracle.done(id, is_given(row.why));
  if (taken.again) poll_later(id, microseconds(100));
}

// --- acknowledging, and keeping the cursor ------------------------------------------------------

void OutboxWorld::work(std::size_t id) {
  auto& it = subscriptions_[id];
  const auto patience = one_in(random, 4) ? 1 : from_to(random, 2, 5);
  for (auto each = it.under_way.begin(); each != it.under_way.end();) {
    if (!one_in(random, patience)) {
      ++each;
      continue;
    }
    it.reader->done(each->first);
    oracle.done(id, each->second);
    say(id, "has done row " + std::to_string(each->second));
    each = it.under_way.erase(each);
  }
  if (!it.stale.empty()) {
    it.reader->done(it.stale.back());
    it.stale.pop_back();
  }
  if (one_in(random, 3)) keep(id);
  events.after(about(random, profile_.work_every), [this, id, life = it.life] {
    if (subscriptions_[id].life == life) work(id);
  });
}

void OutboxWorld::keep(std::size_t id) {
  auto& it = subscriptions_[id];
  const auto cursor = it.reader->cursor();
  if (!cursor) return;
  it.written = {outbox::to_text(*cursor), oracle.state(id)};
  say(id, "keeps " + it.written.text);
  if (!one_in(random, 3)) return;
  events.after(up_to(random, milliseconds(200)), [this, id, life = it.life, file = it.written] {
    auto& later = subscriptions_[id];
    if (later.life != life) return;
    later.synced.state = file.state;
    if (!files_lie || later.synced.text.empty()) later.synced.text = file.text;
  });
}

// --- faults -------------------------------------------------------------------------------------

void OutboxWorld::end_host(std::size_t host, bool with_its_machine) {
  hosts[host].up = false;
  for (const auto id : hosts[host].subscriptions) {
    auto& it = subscriptions_[id];
    ++it.life;
    if (with_its_machine) it.written = it.synced;
    say(id, with_its_machine ? "ends with its machine" : "is killed");
  }
}

void OutboxWorld::start_host(std::size_t host) {
  if (hosts[host].up) return;
  ++counts.restarts;
  hosts[host].up = true;
  for (const auto id : hosts[host].subscriptions) begin(id);
}

void OutboxWorld::lose_file(std::size_t id) {
  auto& it = subscriptions_[id];
  it.written = it.synced = {};
  if (hosts[it.host].up) begin(id);
}

void OutboxWorld::lead_to(std::size_t host, ServerId server) { hosts[host].server = server; }

void OutboxCounts::add(const OutboxCounts& other) {
  announced += other.announced;
  readings += other.readings;
  delivered += other.delivered;
  again += other.again;
  removed += other.removed;
  undone += other.undone;
  foreign += other.foreign;
  restarts += other.restarts;
}

}  // namespace tidegate::sim
