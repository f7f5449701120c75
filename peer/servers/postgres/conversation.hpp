// Shared by both readers of a PostgreSQL server: they have it introduce itself on each connection,
// ask one question at a time, give up a server that answers nonsense, and report once that it is
// down.
//
// The history of a timeline is told over the replication protocol only. Where such a session is
// refused, since the role lacks the right, no wal sender is free or a pooler stands in between, the
// server is used plainly instead, and is *degraded*.
//
// `Seam` is the kind of reader (server.hpp). A reader fills in what it makes of the introduction
// and of the answers, and how it says that the server is down.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "peer/servers/postgres/connection.hpp"
#include "peer/servers/postgres/history_query.hpp"
#include "peer/servers/postgres/server_sql.hpp"
#include "peer/servers/server.hpp"

namespace tidegate::postgres {

template <typename Seam>
class Conversation : public Seam {
 public:
  [[nodiscard]] io::Interest interest() const final { return database_.interest(); }
  [[nodiscard]] Instant deadline() const final { return database_.deadline(); }
  void advance(Instant now, gate::ServerEvents& events) final;
  [[nodiscard]] bool ready() const final { return phase_ == Phase::ready; }

 protected:
  using Rows = std::vector<SqlRow>;
  using Events = gate::ServerEvents;

  explicit Conversation(Database database) : database_(std::move(database)) {}

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
  void come_up();                             // the server that has introduced itself will do
  void reconnect(Database::Session session, Instant now);  // at once, without being down
  void give_up(std::string reason, Instant now, Events& events);
  void go_down(std::string reason, Events& events);
  [[nodiscard]] bool up() const { return up_; }
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
  // Earlier readings count no more. `news`: to be told.
  virtual void went_down(bool news, std::string reason, Events& events) = 0;

 private:
  enum class Phase : std::uint8_t { down, introduction, asking, ready };

  void introduction_read(std::vector<SqlRow> rows, Instant now, Events& events);
  void question_answered(std::vector<SqlRow> rows, Instant now, Events& events);
  void lost(Database::Lost lost, Events& events);
  void history_answered(const Rows& rows, Instant now, Events& events);
  void put_question_of_history(Instant now);
  void go_on_with_history(Instant now, Events& events);
  void warn_of_gaps(Events& events) const;

  Phase phase_ = Phase::down;
  bool identified_ = false;  // the question under way: its answer tells who gives it
  bool up_ = false;
  std::string reported_;  // why it was last said to be down, until it is up
  std::string why_degraded_;
  std::string refusal_;                        // the SQLSTATE of that
  std::optional<HistoryQuery> history_query_;  // under way
  ServerIncarnation told_by_;
  History told_;  // the last history that was told
};

extern template class Conversation<servers::ReplayReader>;
extern template class Conversation<servers::CommitPositionReader>;

}  // namespace tidegate::postgres
