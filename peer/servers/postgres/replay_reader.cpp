#include "peer/servers/postgres/replay_reader.hpp"

#include <cstdint>
#include <optional>
#include <utility>

#include "lib/base/must.hpp"
#include "peer/servers/postgres/commit_position_reader.hpp"
#include "peer/servers/postgres/conversation.hpp"
#include "peer/servers/postgres/server_sql.hpp"

namespace tidegate::postgres {
namespace {

// The subquery is a fence: pg_is_in_recovery() is called once, and what is read belongs to its
// answer. A role that is left in between does no harm: the replay LSN stays readable.
const std::string position_sql =
    "SELECT r, CASE WHEN r THEN pg_catalog.pg_last_wal_replay_lsn()"
    " ELSE pg_catalog.pg_current_wal_insert_lsn() END" +
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

struct RoleAndLsn {
  bool in_recovery = false;
  Lsn lsn;  // without page header; none when a standby has replayed nothing
};

class ReplayReader final : public Conversation<servers::ReplayReader> {
 public:
  ReplayReader(Database database, std::string connection_string, Database::Timeouts timeouts,
               base::Random random)
      : Conversation(std::move(database), timeouts, base::Random(random.next())),
        connection_string_(std::move(connection_string)),
        timeouts_(timeouts),
        random_(random) {}

  void read(Instant now) override {
    if (ready()) ask(Question::position, position_sql, now);
  }

  [[nodiscard]] bool is_primary() const override { return up() && !server_.in_recovery; }

  [[nodiscard]] std::unique_ptr<servers::CommitPositionReader> commit_position_reader()
      const override {
    auto random = random_;
    return open_commit_position_reader(connection_string_, timeouts_, base::Random(random.next()))
        .value();
  }

 private:
  enum class Question : std::uint8_t { position, timeline };

  void introduced(Instant now, Events& events) override;
  void answered(const Rows& rows, Instant now, Events& events) override;
  void refused(const Database::QueryFailed& refusal, Instant now, Events& events) override;
  void history_told(const History& history, Instant, Events& events) override {
    finish(history, events);
  }
  [[nodiscard]] Database::Session first_session() const override {
    return Database::Session::replication;
  }
  void interrupted(Events& events) override;
  void went_down(bool news, std::string reason, Events& events) override;

  void ask(Question question, const std::string& sql, Instant now) {
    question_ = question;
    Conversation::ask(sql, now);
  }
  void position_known(const Rows& rows, Instant now, Events& events);
  void timeline_known(const Rows& rows, Instant now, Events& events);
  void finish(History history, Events& events);
  void no_reading(Events& events);
  void forget();
  [[nodiscard]] bool timeline_may_have_changed() const;

  std::string connection_string_;
  Database::Timeouts timeouts_;
  base::Random random_;               // for another reader
  std::string warning_;               // of the last ServerUp
  std::optional<Question> question_;  // the last one on this connection
  RoleAndLsn reading_;                // under way
  TimelineId timeline_ = 0;           // of the reading under way
  RoleAndLsn seen_;                   // of the last complete reading; its timeline is in tide_
  Tide tide_;  // the last complete reading; timeline 0: none on this connection
};

void ReplayReader::answered(const Rows& rows, Instant now, Events& events) {
  switch (question_.value()) {
    case Question::position:
      return position_known(rows, now, events);
    case Question::timeline:
      return timeline_known(rows, now, events);
  }
}

void ReplayReader::introduced(Instant now, Events& events) {
  const bool renewed = come_up(now);
  std::string warning;
  if (degraded()) {
    warning = "no replication commands on this server (" + why_degraded() +
              "): a message that still waits when a failover happens is reported as in doubt, and "
              "on a standby, until its next restartpoint after a failover, a change that the "
              "failover lost may be announced unless the role has pg_monitor; " +
              cure() + " and this peer will notice";
  }
  if (!renewed || warning != warning_) {
    events.emplace_back(
        ServerUp{server_.incarnation, server_.in_recovery, server_.description, warning});
  }
  warning_ = std::move(warning);
  ask(Question::position, position_sql, now);
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
    question_ = Question::timeline;
    ask_command("IDENTIFY_SYSTEM", now);
  } else {
    ask(Question::timeline, reading_.in_recovery ? standby_timeline_sql : primary_timeline_sql,
        now);
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
  } else if (const auto told = told_history(timeline_)) {
    finish(*told, events);
  } else {
    ask_history(timeline_, now);
  }
}

void ReplayReader::finish(History history, Events& events) {
  tide_ = {server_.incarnation, std::move(history), reading_.lsn.bytes};
  seen_ = reading_;
  be_ready();
  events.emplace_back(gate::ReplayPositionRead{tide_});
}

void ReplayReader::no_reading(Events& events) {
  be_ready();
  events.emplace_back(gate::ReplayPositionRead{});
}

void ReplayReader::refused(const Database::QueryFailed& refusal, Instant now, Events& events) {
  give_up("the server refused a question of the watch: " + refusal.message, now, events);
}

void ReplayReader::forget() {
  question_.reset();
  tide_ = {};
  seen_ = {};
}

void ReplayReader::interrupted(Events& events) {
  forget();
  events.emplace_back(gate::TideForgotten{});
}

void ReplayReader::went_down(bool news, std::string reason, Events& events) {
  forget();
  if (news) events.emplace_back(ServerDown{std::move(reason)});
}

}  // namespace

Result<std::unique_ptr<servers::ReplayReader>> open_replay_reader(
    const std::string& connection_string, Database::Timeouts timeouts, base::Random random) {
  auto database = Database::create(connection_string, Database::Session::replication, timeouts,
                                   base::Random(random.next()));
  if (!database) return database.error();
  return std::unique_ptr<servers::ReplayReader>(
      std::make_unique<ReplayReader>(std::move(*database), connection_string, timeouts, random));
}

}  // namespace tidegate::postgres
