#include "peer/servers/postgres/replay_reader.hpp"

#include <utility>

#include "lib/base/must.hpp"
#include "peer/servers/postgres/history_query.hpp"

namespace tidegate::postgres {
namespace {

// The subquery is a fence: pg_is_in_recovery() is called once, and what is read belongs to its
// answer. A role that is left in between does no harm: the replay LSN stays readable.
const std::string position_sql =
    "SELECT r, CASE WHEN r THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_insert_lsn() END"
    " FROM (SELECT pg_is_in_recovery() AS r OFFSET 0) AS role";

// Without replication commands. The second column is NULL when it can't be known.
const std::string primary_timeline_sql =
    "SELECT pg_walfile_name(pg_current_wal_insert_lsn()), NULL";
const std::string standby_timeline_sql =
    "SELECT greatest(c.timeline_id, r.min_recovery_end_timeline),"
    " (SELECT received_tli FROM pg_stat_wal_receiver)"
    " FROM pg_control_checkpoint() AS c, pg_control_recovery() AS r";

constexpr auto* insufficient_privilege = "42501";
constexpr auto* too_many_connections = "53300";  // also: no wal sender is free
constexpr auto* undefined_file = "58P01";

}  // namespace

Result<ReplayReader> ReplayReader::create(const std::string& connection_string,
                                          Database::Timeouts timeouts) {
  auto database = Database::create(connection_string, Database::Session::replication, timeouts);
  if (!database) return database.error();
  return ReplayReader(std::move(*database));
}

void ReplayReader::advance(Instant now, Events& events) {
  auto event = database_.advance(now);
  if (!event) return;
  if (std::holds_alternative<Database::Connected>(*event)) {
    ask(Step::introduction, introduction_sql, now);
  } else if (const auto* answer = std::get_if<Database::Answer>(&*event)) {
    answered(answer->rows, now, events);
  } else if (const auto* refusal = std::get_if<Database::QueryFailed>(&*event)) {
    refused(*refusal, now, events);
  } else {
    lost(std::get<Database::Lost>(std::move(*event)), events);
  }
}

void ReplayReader::poll(Instant now) {
  if (ready()) ask(Step::position, position_sql, now);
}

void ReplayReader::ask(Step step, const std::string& sql, Instant now) {
  step_ = step;
  database_.query(sql, now);
}

void ReplayReader::answered(const Rows& rows, Instant now, Events& events) {
  switch (step_) {
    case Step::introduction:
      return introduced(rows, now, events);
    case Step::position:
      return position_known(rows, now, events);
    case Step::timeline:
      return timeline_known(rows, now, events);
    case Step::history:
      return history_known(rows, now, events);
    case Step::down:
    case Step::ready:
      break;
  }
  TIDEGATE_MUST(false && "an answer without a question");
}

void ReplayReader::introduced(const Rows& rows, Instant now, Events& events) {
  auto server = read_introduction(rows, database_.server());
  if (!server) return give_up(server.error().message, now, events);
  server_ = std::move(*server);
  up_ = true;
  reported_.clear();
  std::string warning;
  if (degraded()) {
    warning = "no replication commands on this server (" + why_degraded_ +
              "): a message that still waits when a failover happens is reported as orphaned, and "
              "on a standby, until its next restartpoint after a failover, a change that the "
              "failover lost may be announced unless the role has pg_monitor; " +
              (lacks_right_ ? "run ALTER ROLE " + server_.login + " REPLICATION"
                            : std::string("raise max_wal_senders there, every peer takes one")) +
              " and restart this peer";
  }
  events.push_back(
      ServerUp{server_.incarnation, server_.in_recovery, server_.description, std::move(warning)});
  ask(Step::position, position_sql, now);
}

void ReplayReader::position_known(const Rows& rows, Instant now, Events& events) {
  if (rows.size() != 1 || rows[0].size() != 2 || !rows[0][0]) {
    return give_up("the server did not tell its replay position", now, events);
  }
  reading_ = {.in_recovery = *rows[0][0] == "t", .lsn = {}};
  server_.in_recovery = reading_.in_recovery;
  if (rows[0][1]) {
    const auto lsn = parse_lsn(*rows[0][1]);
    if (!lsn) return give_up(lsn.error().message, now, events);
    reading_.lsn = without_page_header(*lsn, server_.layout);
  }
  if (reading_.lsn.none()) {
    no_reading(events);
  } else if (!timeline_may_have_changed()) {
    timeline_ = tide_.timeline();
    finish(tide_.history, events);
  } else if (!degraded()) {
    ask(Step::timeline, "IDENTIFY_SYSTEM", now);
  } else {
    ask(Step::timeline, reading_.in_recovery ? standby_timeline_sql : primary_timeline_sql, now);
  }
}

// A standby's timeline and replay LSN move together, in one record. A primary's timeline stays. A
// degraded standby learns of its timeline later, while the LSN may stay.
bool ReplayReader::timeline_may_have_changed() const {
  if (tide_.timeline() == 0 || reading_.in_recovery != seen_.in_recovery) return true;
  return reading_.in_recovery && (degraded() || reading_.lsn != seen_.lsn);
}

void ReplayReader::timeline_known(const Rows& rows, Instant now, Events& events) {
  if (rows.size() != 1 || rows[0].size() < 2) {
    return give_up("the server did not tell its timeline", now, events);
  }
  const auto& row = rows[0];
  // IDENTIFY_SYSTEM answers with the system identifier first.
  const auto& text = degraded() ? row[0] : row[1];
  const auto timeline = degraded() && !reading_.in_recovery
                            ? timeline_of_wal_file(text.value_or(""))
                            : parse_timeline(text.value_or(""));
  if (!timeline) return give_up(timeline.error().message, now, events);
  timeline_ = *timeline;
  // Degraded: what has arrived may be of a newer timeline than the control file names, and what is
  // replayed of either. Then there is no reading. Zero: a standby has replayed nothing yet.
  if (timeline_ == 0 || (degraded() && row[1] && *row[1] != *row[0])) {
    no_reading(events);
  } else if (timeline_ == tide_.timeline()) {
    finish(tide_.history, events);
  } else if (timeline_ == 1 || degraded()) {
    finish(History::of({{timeline_, 0, 0}}).value(), events);
  } else {
    ask(Step::history, "TIMELINE_HISTORY " + std::to_string(timeline_), now);
  }
}

void ReplayReader::history_known(const Rows& rows, Instant now, Events& events) {
  if (rows.size() != 1 || rows[0].size() != 2 || !rows[0][1]) {
    return give_up("the server did not tell its timeline history", now, events);
  }
  auto entries = read_history_file(*rows[0][1], timeline_);
  if (!entries) return give_up(entries.error().message, now, events);
  auto history = History::of(std::move(*entries));
  if (!history) return give_up(history.error().message, now, events);
  finish(std::move(*history), events);
}

void ReplayReader::finish(History history, Events& events) {
  tide_ = {server_.incarnation, std::move(history), reading_.lsn.bytes};
  seen_ = reading_;
  step_ = Step::ready;
  events.push_back(tide_);
}

void ReplayReader::no_reading(Events& events) {
  step_ = Step::ready;
  events.push_back(NoReading{});
}

void ReplayReader::refused(const Database::QueryFailed& refusal, Instant now, Events& events) {
  if (step_ != Step::history || refusal.sqlstate != undefined_file) {
    return give_up("the server refused a question of the watch: " + refusal.message, now, events);
  }
  events.push_back(Warning{
      "the history of timeline " + std::to_string(timeline_) + " is missing on " +
      database_.server() + " (" + refusal.message +
      "): messages of older timelines are reported as orphaned, even when their changes are "
      "visible; copy the .history files of the primary's pg_wal to it, then restart this peer"});
  finish(History::of({{timeline_, 0, 0}}).value(), events);
}

void ReplayReader::lost(Database::Lost lost, Events& events) {
  const bool no_right = lost.sqlstate == insufficient_privilege;
  const bool no_sender = lost.sqlstate == too_many_connections;
  if (database_.session() == Database::Session::replication && step_ == Step::down &&
      (no_right || no_sender)) {
    // Not down yet: the plain connection, after the usual pause, decides that.
    database_.set_session(Database::Session::plain);
    why_degraded_ = std::move(lost.reason);
    lacks_right_ = no_right;
    return;
  }
  database_.set_session(Database::Session::replication);
  why_degraded_.clear();
  down(std::move(lost.reason), events);
}

void ReplayReader::give_up(std::string reason, Instant now, Events& events) {
  database_.drop(now);
  lost({"", std::move(reason)}, events);
}

void ReplayReader::down(std::string reason, Events& events) {
  const bool news = up_ || reason != reported_;
  up_ = false;
  step_ = Step::down;
  tide_ = {};
  seen_ = {};
  if (!news) return;
  reported_ = reason;
  events.push_back(ServerDown{std::move(reason)});
}

}  // namespace tidegate::postgres
