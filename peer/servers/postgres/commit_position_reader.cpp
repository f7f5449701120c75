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
  explicit CommitPositionReader(Database database) : Conversation(std::move(database)) {}

  void query(Instant now) override {
    TIDEGATE_MUST(ready());
    read(now);
  }

  void nudge(Instant now) override {
    TIDEGATE_MUST(ready());
    nudging_ = true;
    ask(nudge_sql, now);
  }

  void leave_server(Instant now) override { leave(now); }

 private:
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
  void come_up_with(History history, Events& events);
  void went_down(bool news, std::string reason, Events& events) override {
    if (news) events.emplace_back(PrimaryDown{std::move(reason)});
  }

  bool nudging_ = false;  // the question under way
  History history_;       // of the primary; known when it is up
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
  if (!up()) return timeline_known(timeline, now, events);
  if (timeline != history_.timeline()) {
    return give_up("the primary has changed its timeline from " +
                       std::to_string(history_.timeline()) + " to " + std::to_string(timeline) +
                       " under this connection; connect to the server itself, without a pooler",
                   now, events);
  }
  reading->history = history_;
  be_ready();
  events.emplace_back(gate::CommitPositionRead{std::move(*reading)});
}

void CommitPositionReader::timeline_known(TimelineId timeline, Instant now, Events& events) {
  const auto number_alone = History::of({{timeline, 0, 0}}).value();
  const auto told = timeline == 1 ? std::optional(number_alone) : told_history(timeline);
  const bool plain = database_.session() == Database::Session::plain;
  if (told && plain) {
    come_up_with(*told, events);
  } else if (told) {
    change_session(Database::Session::plain, now, events);
  } else if (degraded()) {
    come_up_with(number_alone, events);
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

void CommitPositionReader::come_up_with(History history, Events& events) {
  history_ = std::move(history);
  sessions_ = 0;
  come_up();
  std::string warning;
  if (degraded() && history_.timeline() > 1) {
    warning = "no replication commands on the primary (" + why_degraded() +
              "): positions name its timeline by number only, so that a change of it may be "
              "announced on a server that was promoted apart; " +
              cure() + " and restart this peer";
  }
  events.emplace_back(
      PrimaryUp{server_.incarnation, server_.description, std::move(warning), history_});
}

}  // namespace

Result<std::unique_ptr<servers::CommitPositionReader>> open_commit_position_reader(
    const std::string& connection_string, Database::Timeouts timeouts) {
  auto database = Database::create(connection_string, Database::Session::plain, timeouts);
  if (!database) return database.error();
  return std::unique_ptr<servers::CommitPositionReader>(
      std::make_unique<CommitPositionReader>(std::move(*database)));
}

}  // namespace tidegate::postgres
