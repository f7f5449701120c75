#include "peer/servers/postgres/commit_position_reader.hpp"

#include <utility>

#include "lib/base/must.hpp"
#include "peer/servers/postgres/conversation.hpp"
#include "peer/servers/postgres/server_sql.hpp"

namespace tidegate::postgres {
namespace {

constexpr int most_sessions = 6;

class CommitPositionReader final : public Conversation<servers::CommitPositionReader> {
 public:
  CommitPositionReader(Database database, Database::Timeouts timeouts, base::Random random)
      : Conversation(std::move(database), timeouts, random) {}

  // While the session is renewed, too: asked then when it is.
  [[nodiscard]] bool ready() const override { return up() && owed_ == Owed::nothing; }

  void query(Instant now) override { owe(Owed::position, now); }
  void nudge(Instant now) override { owe(Owed::nudge, now); }

  void leave_server(Instant now) override {
    owed_ = Owed::nothing;
    leave(now);
  }

 private:
  enum class Owed : std::uint8_t { nothing, position, nudge };

  void owe(Owed what, Instant now) {
    TIDEGATE_MUST(ready());
    owed_ = what;
    if (settled()) ask_owed(now);
  }
  void ask_owed(Instant now) {
    if (owed_ == Owed::nothing) return;
    if (owed_ == Owed::position) return read(now);
    nudging_ = true;
    ask(nudge_sql, now);
  }
  void read(Instant now) {
    nudging_ = false;
    ask(commit_position_sql, now);
  }

  void introduced(Instant now, Events& events) override;
  void answered(const Rows& rows, Instant now, Events& events) override;
  void refused(const Database::QueryFailed& refusal, Instant now, Events& events) override {
    give_up("the server refused to tell its WAL position: " + refusal.message, now, events);
  }
  void history_told(const History&, Instant now, Events& events) override {
    change_session(Database::Session::plain, now, events);
  }
  [[nodiscard]] Database::Session first_session() const override {
    return Database::Session::plain;
  }
  void timeline_known(TimelineId timeline, Instant now, Events& events);
  void change_session(Database::Session session, Instant now, Events& events);
  void come_up_with(History history, Instant now, Events& events);
  void interrupted(Events&) override {}
  void went_down(bool news, std::string reason, Events& events) override {
    owed_ = Owed::nothing;
    if (news) events.emplace_back(PrimaryDown{std::move(reason)});
  }

  Owed owed_ = Owed::nothing;
  bool nudging_ = false;  // the question under way
  History history_;       // of the primary; known when it is up
  std::string warning_;   // of the last PrimaryUp
  int sessions_ = 0;      // changed in search of it
};

void CommitPositionReader::introduced(Instant now, Events& events) {
  if (server_.in_recovery) {
    return give_up(database_.server() +
                       " is a standby, and changes are committed on the primary: name the primary, "
                       "or all servers and the condition, as in 'host=a,b "
                       "target_session_attrs=primary'",
                   now, events);
  }
  read(now);  // not of interest but for the timeline
}

void CommitPositionReader::answered(const Rows& rows, Instant now, Events& events) {
  // A statement of its own: read in the nudge's transaction, the LSNs would be those before its
  // commit.
  if (nudging_) return read(now);
  auto reading = read_commit_position(rows, server_.incarnation, server_.layout);
  if (!reading) return give_up(reading.error().message, now, events);
  const auto timeline = reading->history.timeline();
  if (!settled()) return timeline_known(timeline, now, events);
  if (timeline != history_.timeline()) {
    return give_up("the primary has changed its timeline from " +
                       std::to_string(history_.timeline()) + " to " + std::to_string(timeline) +
                       " under this connection; connect to the server itself, without a pooler",
                   now, events);
  }
  reading->history = history_;
  owed_ = Owed::nothing;
  be_ready();
  events.emplace_back(gate::CommitPositionRead{std::move(*reading)});
}

void CommitPositionReader::timeline_known(TimelineId timeline, Instant now, Events& events) {
  const auto number_alone = History::of({{timeline, 0, 0}}).value();
  const auto told = timeline == 1 ? std::optional(number_alone) : told_history(timeline);
  const bool plain = database_.session() == Database::Session::plain;
  if (told && plain) {
    come_up_with(*told, now, events);
  } else if (told) {
    change_session(Database::Session::plain, now, events);
  } else if (degraded()) {
    come_up_with(number_alone, now, events);
  } else if (plain) {
    change_session(Database::Session::replication, now, events);
  } else {
    ask_history(timeline, now);
  }
}

// Behind a balancer each session may reach another server, so that none tells what is needed.
void CommitPositionReader::change_session(Database::Session session, Instant now, Events& events) {
  if (++sessions_ <= most_sessions) return reconnect(session, now);
  sessions_ = 0;
  give_up(database_.server() +
              " is another server with every connection; connect to the primary itself, not "
              "through a balancer",
          now, events);
}

void CommitPositionReader::come_up_with(History history, Instant now, Events& events) {
  if (renewing() && history.timeline() != history_.timeline()) {
    renewal_failed("the primary is on another timeline", events);
  }
  const bool same = history == history_;
  history_ = std::move(history);
  sessions_ = 0;
  const bool renewed = come_up(now);
  std::string warning;
  if (degraded() && history_.timeline() > 1) {
    warning = "no replication commands on the primary (" + why_degraded() +
              "): positions name its timeline by number only, so that a change of it may be "
              "announced on a server that was promoted apart; " +
              cure() + " and this peer will notice";
  }
  if (!renewed || !same || warning != warning_) {
    events.emplace_back(PrimaryUp{server_.incarnation, server_.description, warning, history_});
  }
  warning_ = std::move(warning);
  ask_owed(now);
}

}  // namespace

Result<std::unique_ptr<servers::CommitPositionReader>> open_commit_position_reader(
    const std::string& connection_string, Database::Timeouts timeouts, base::Random random) {
  auto database = Database::create(connection_string, Database::Session::plain, timeouts,
                                   base::Random(random.next()));
  if (!database) return database.error();
  return std::unique_ptr<servers::CommitPositionReader>(
      std::make_unique<CommitPositionReader>(std::move(*database), timeouts, random));
}

}  // namespace tidegate::postgres
