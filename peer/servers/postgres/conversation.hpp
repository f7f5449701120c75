// Shared by both readers of a PostgreSQL server: they have it introduce itself on each connection,
// ask one question at a time, give up a server that answers nonsense, and report once that it is
// down.
//
// 1. A question that the server cancels (a conflict with recovery, a timeout of somebody else's
//    making) is no outage: it is asked again on the same session, at once and then ever more
//    rarely, for as long as the server might have been silent.
// 2. Nor is a session that ends while the server is well: an idle one that is cut by a proxy or by
//    idle_session_timeout. It is *renewed*: if the next connection finds the same life of the
//    server within a second, nobody is told, and an unanswered question is asked again there. If
//    not, the server went down when the session ended. Earlier readings count no more either way.
// 3. The history of a timeline is told over the replication protocol only. Where such a session is
//    refused, since the role lacks the right, no wal sender is free or a pooler stands in between,
//    the server is used plainly instead, and is *degraded*. Now and then a second connection tries
//    whether the full session can be had, and takes over if so; meanwhile the plain one answers.
//
// `Seam` is the kind of reader (server.hpp). A reader fills in what it makes of the introduction
// and of the answers, and how it says that the server is down.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "lib/base/backoff.hpp"
#include "lib/base/random.hpp"
#include "peer/servers/postgres/connection.hpp"
#include "peer/servers/postgres/history_query.hpp"
#include "peer/servers/postgres/server_sql.hpp"
#include "peer/servers/server.hpp"

namespace tidegate::postgres {

template <typename Seam>
class Conversation : public Seam {
 public:
  [[nodiscard]] io::Interest interest() const final;
  [[nodiscard]] Instant deadline() const final;
  void advance(Instant now, gate::ServerEvents& events) final;
  [[nodiscard]] bool ready() const override { return phase_ == Phase::ready; }

 protected:
  using Rows = std::vector<SqlRow>;
  using Events = gate::ServerEvents;

  Conversation(Database database, Database::Timeouts timeouts, base::Random random)
      : database_(std::move(database)), timeouts_(timeouts), random_(random) {}

  // --- what a reader may do ---

  // Of a statement that ends with identity_columns. An answer of another life than the one that has
  // introduced itself is not used: that server is given up, and the next one introduces itself.
  void ask(const std::string& sql, Instant now);
  // Of a replication command, which needs no identity: such a session is one backend's.
  void ask_command(const std::string& command, Instant now);
  // On a session of replication: for the whole history of a timeline. history_told() is the answer.
  void ask_history(TimelineId timeline, Instant now);
  // The answer of this life of the server, if it was asked before.
  [[nodiscard]] std::optional<History> told_history(TimelineId timeline) const;
  void be_ready() { phase_ = Phase::ready; }  // the answer is complete
  // The server that has introduced itself will do. True: it is the same as before, and nobody was
  // told that it had gone.
  bool come_up(Instant now);
  void reconnect(Database::Session session, Instant now);  // at once, without being down
  void give_up(std::string reason, Instant now, Events& events);
  // The server, without an event; the next one is another one, if possible.
  void leave(Instant now);
  // The server was said to be up, and not yet that it is down.
  [[nodiscard]] bool up() const { return up_; }
  // come_up() was called on this connection.
  [[nodiscard]] bool settled() const { return settled_; }
  [[nodiscard]] bool renewing() const { return renewal_.has_value(); }
  // It is not what it was before: the server went down when the session ended.
  void renewal_failed(const std::string& why, Events& events);
  // A session of replication was refused, and the plain one has not been lost since.
  [[nodiscard]] bool degraded() const { return !why_degraded_.empty(); }
  [[nodiscard]] const std::string& why_degraded() const { return why_degraded_; }
  [[nodiscard]] std::string cure() const;  // of that; begins with a verb

  Database database_;
  Introduction server_;  // of the last connection

  // --- what a reader fills in ---

  // `server_` is new. Comes up, then asks or is ready; or gives up.
  virtual void introduced(Instant now, Events& events) = 0;
  // Of what ask() asked. Asks more or is ready; or gives up.
  virtual void answered(const Rows& rows, Instant now, Events& events) = 0;
  virtual void refused(const Database::QueryFailed& refusal, Instant now, Events& events) = 0;
  // Of what ask_history() asked. Asks more, is ready or reconnects.
  virtual void history_told(const History& history, Instant now, Events& events) = 0;
  // How to begin anew after a loss.
  [[nodiscard]] virtual Database::Session first_session() const = 0;
  // Earlier readings count no more, but the server is not said to be down.
  virtual void interrupted(Events& events) = 0;
  // Earlier readings count no more. `news`: to be told.
  virtual void went_down(bool news, std::string reason, Events& events) = 0;

 private:
  enum class Phase : std::uint8_t { down, settings, introduction, asking, ready };

  struct Statement {
    std::string text;
    bool wal = false;  // answered by the first bytes of a stream
  };

  // The session has ended, or is exchanged.
  struct Renewal {
    std::string reason;
    Instant until;
  };

  void begin(Instant now);
  void introduce(Instant now);
  void introduced_itself(Rows rows, Instant now, Events& events);
  void question_answered(Rows rows, Instant now, Events& events);
  void refusal(const Database::QueryFailed& refusal, Instant now, Events& events);
  void put(Statement statement, Instant now);
  void put_again(Instant now);
  void cancelled(const Database::QueryFailed& refusal, Instant now, Events& events);
  void lost(Database::Lost lost, Instant now, Events& events);
  void start_anew();
  void begin_renewal(std::string reason, Instant now, Events& events);
  void report_down(std::string reason, Events& events);
  void seek_full_session(Instant now, Events& events);
  void seek_later(Instant now);
  void history_answered(const Rows& rows, Instant now, Events& events);
  void put_question_of_history(Instant now);
  void go_on_with_history(Instant now, Events& events);
  void warn_of_gaps(Events& events) const;

  Database::Timeouts timeouts_;
  base::Random random_;
  Phase phase_ = Phase::down;
  bool identified_ = false;  // the question under way: its answer tells who gives it
  bool up_ = false;
  bool settled_ = false;
  bool settings_in_questions_ = false;  // on this connection (session_settings.hpp)
  std::string reported_;                // why it was last said to be down, until it is up
  std::optional<Renewal> renewal_;

  Statement statement_;  // the last one
  Instant put_at_;       // for the first time
  base::Backoff pauses_{std::chrono::milliseconds(2), std::chrono::milliseconds(500)};
  bool again_at_once_ = false;  // it was not cancelled before
  Instant again_at_ = never;

  std::string why_degraded_;
  std::string refusal_;              // the SQLSTATE of that
  std::optional<Database> seeking_;  // a full session, beside the plain one
  Instant seek_at_ = never;

  std::optional<HistoryQuery> history_query_;  // under way
  ServerIncarnation told_by_;
  History told_;  // the last history that was told
};

extern template class Conversation<servers::ReplayReader>;
extern template class Conversation<servers::OutboxReader>;
extern template class Conversation<servers::CommitPositionReader>;

}  // namespace tidegate::postgres
