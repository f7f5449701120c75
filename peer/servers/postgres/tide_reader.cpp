#include "peer/servers/postgres/tide_reader.hpp"

#include <string>
#include <utility>

#include "peer/servers/postgres/server_sql.hpp"

namespace tidegate::postgres {
namespace {

// The subquery is a fence: pg_is_in_recovery() is called once, and what is read belongs to its
// answer. A role that is left in between does no harm: the replay LSN stays readable.
const std::string position_sql =
    "SELECT r, CASE WHEN r THEN pg_catalog.pg_last_wal_replay_lsn()"
    " ELSE pg_catalog.pg_current_wal_insert_lsn() END,"
    " CASE WHEN NOT r THEN pg_catalog.pg_current_wal_flush_lsn() END" +
    identity_columns + " FROM (SELECT pg_catalog.pg_is_in_recovery() AS r OFFSET 0) AS role";

// Without replication commands. The second column is NULL when it can't be known.
const std::string primary_timeline_sql =
    "SELECT pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_insert_lsn()), NULL" +
    identity_columns;
const std::string standby_timeline_sql =
    "SELECT greatest(c.timeline_id, r.min_recovery_end_timeline),"
    " (SELECT received_tli FROM pg_catalog.pg_stat_wal_receiver)" +
    identity_columns +
    " FROM pg_catalog.pg_control_checkpoint() AS c, pg_catalog.pg_control_recovery() AS r";

}  // namespace

template <typename Seam>
void TideReader<Seam>::answered(const Rows& rows, Instant now, Events& events) {
  switch (question_) {
    case Question::position:
      return position_known(rows, now, events);
    case Question::timeline:
      return timeline_known(rows, now, events);
  }
}

template <typename Seam>
void TideReader<Seam>::introduced(Instant now, Events& events) {
  const bool renewed = this->come_up(now);
  std::string warning;
  if (degraded()) {
    warning = "no replication commands on this server (" + this->why_degraded() +
              "): a message that still waits when a failover happens is reported as in doubt, and "
              "on a standby, until its next restartpoint after a failover, a change that the "
              "failover lost may be announced unless the role has pg_monitor; " +
              this->cure() + " and this peer will notice";
  }
  if (!renewed || warning != warning_) {
    events.emplace_back(
        ServerUp{server_.incarnation, server_.in_recovery, server_.description, warning});
  }
  warning_ = std::move(warning);
  ask_tide(now);
}

template <typename Seam>
void TideReader<Seam>::put(Question question, Instant now) {
  question_ = question;
  if (question == Question::position) {
    position_asked_ = now;
    this->ask(position_sql, now);
  } else if (!degraded()) {
    this->ask_command("IDENTIFY_SYSTEM", now);
  } else {
    this->ask(reading_.in_recovery ? standby_timeline_sql : primary_timeline_sql, now);
  }
}

template <typename Seam>
void TideReader<Seam>::position_known(const Rows& rows, Instant now, Events& events) {
  if (rows.size() != 1 || rows[0].size() != 3 || !rows[0][0]) {
    return give_up("the server did not tell its replay position", now, events);
  }
  reading_ = {.in_recovery = *rows[0][0] == "t", .lsn = {}};
  server_.in_recovery = reading_.in_recovery;
  if (rows[0][1]) {
    const auto lsn = parse_lsn(*rows[0][1]);
    if (!lsn) return give_up(lsn.error().message, now, events);
    reading_.lsn = without_page_header(*lsn, server_.layout);
  }
  flushed_ = true;
  if (rows[0][2]) {
    const auto flush = parse_lsn(*rows[0][2]);
    if (!flush) return give_up(flush.error().message, now, events);
    flushed_ = *flush >= reading_.lsn;
  }
  if (reading_.lsn.none()) {
    no_reading(now, events);
  } else if (!timeline_may_have_changed()) {
    timeline_ = tide_.timeline();
    finish(tide_.history, now, events);
  } else {
    put(Question::timeline, now);
  }
}

// A standby's timeline and replay LSN move together, in one record. A primary's timeline stays. A
// degraded standby learns of its timeline later, while the LSN may stay.
template <typename Seam>
bool TideReader<Seam>::timeline_may_have_changed() const {
  if (tide_.timeline() == 0 || reading_.in_recovery != seen_.in_recovery) return true;
  return reading_.in_recovery && (degraded() || reading_.lsn != seen_.lsn);
}

template <typename Seam>
void TideReader<Seam>::timeline_known(const Rows& rows, Instant now, Events& events) {
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
    no_reading(now, events);
  } else if (timeline_ == tide_.timeline()) {
    finish(tide_.history, now, events);
  } else if (timeline_ == 1 || degraded()) {
    finish(History::of({{timeline_, 0, 0}}).value(), now, events);
  } else if (const auto told = this->told_history(timeline_)) {
    finish(*told, now, events);
  } else {
    this->ask_history(timeline_, now);
  }
}

template <typename Seam>
void TideReader<Seam>::finish(History history, Instant now, Events& events) {
  tide_ = {server_.incarnation, std::move(history), reading_.lsn.bytes};
  seen_ = reading_;
  tide_told(tide_, flushed_, now, events);
}

template <typename Seam>
void TideReader<Seam>::no_reading(Instant now, Events& events) {
  tide_told(std::nullopt, true, now, events);
}

template <typename Seam>
void TideReader<Seam>::refused(const Database::QueryFailed& refusal, Instant now, Events& events) {
  give_up("the server refused a question of the watch: " + refusal.message, now, events);
}

template <typename Seam>
void TideReader<Seam>::forget() {
  tide_ = {};
  seen_ = {};
  forgotten();
}

template <typename Seam>
void TideReader<Seam>::interrupted(Events& events) {
  forget();
  events.emplace_back(gate::TideForgotten{});
}

template <typename Seam>
void TideReader<Seam>::went_down(bool news, std::string reason, Events& events) {
  forget();
  if (news) events.emplace_back(ServerDown{std::move(reason)});
}

template class TideReader<servers::ReplayReader>;
template class TideReader<servers::OutboxReader>;

}  // namespace tidegate::postgres
