// The SQL of the receiving side: how far the server that this master reads has replayed.
//
// The watermark must be of the server the application reads. Connect to that server itself, not
// through a load balancer or a pooler; `ServerUp` tells which server answered.
//
// One reading is at most three questions on one connection, in this order:
//   role and LSN (one statement that asks for the role once: after a promotion the replay LSN stays
//   frozen) - timeline (IDENTIFY_SYSTEM) - history (TIMELINE_HISTORY, when the timeline is new).
// The timeline is asked after the LSN, so a switch in between makes the reading too modest, never
// too bold. It is asked only when it can have changed: a standby's timeline moves with its replay
// LSN, a primary's never. So a poll of a server where nothing moved is one question.
//
// IDENTIFY_SYSTEM and TIMELINE_HISTORY need a connection opened with replication=database: a role
// with the REPLICATION attribute (or a superuser) and one of the server's max_wal_senders. Without
// either, the watch connects plainly and is *degraded* (`ServerUp::degraded` tells the cure):
//   - No history: a message that still waits when its timeline has ended is reported as orphaned,
//     even when its change survived the failover and is visible.
//   - A primary's timeline is exact (pg_walfile_name).
//   - A standby's timeline comes from its control file (pg_control_checkpoint and
//     pg_control_recovery), which may name the old timeline until the next restartpoint, up to
//     checkpoint_timeout after a failover. If the role may read pg_stat_wal_receiver (pg_monitor)
//     and a WAL receiver runs, the two are compared and while they differ there is no reading:
//     everything waits. Otherwise a message that was tagged on the old timeline but lost in the
//     failover can be delivered in that time, and messages of the new timeline wait for its end.
//
// A reading counts only while the connection that made it lives: after ServerDown forget it. A
// standby that crashed may come back, even under the same start time, with less than it had shown.
//
// Nothing is sent while nobody calls poll(), apart from the introduction after each connect.
//
// Rights: LOGIN, CONNECT on the database, and REPLICATION. Every function used is open to PUBLIC.
// Threads: all calls from one thread. Nothing blocks (but see database.hpp about names).
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "peer/servers/postgres/connection.hpp"
#include "peer/servers/postgres/server_sql.hpp"
#include "tidegate/lsn.hpp"
#include "tidegate/notice.hpp"
#include "tidegate/result.hpp"
#include "tidegate/tide.hpp"
#include "tidegate/time.hpp"

namespace tidegate::postgres {

// ServerUp: a first Tide follows without being asked for. ServerDown comes when the server was up,
// and again when the reason has changed; not for every failed attempt. Warning: a guarantee does
// not hold in full; once for each connection.
// The server could not tell how far it is just now; the last Tide still stands.
struct NoReading {};

using ReplayEvent = std::variant<ServerUp, Tide, NoReading, ServerDown, Warning>;

class ReplayReader {
 public:
  // Refuses a connection string that libpq can't read. Connects with the first advance().
  [[nodiscard]] static Result<ReplayReader> create(const std::string& connection_string,
                                                   Database::Timeouts timeouts = {});

  // What the loop waits for before it calls advance(); see Database. Both may change with every
  // call of advance() and poll().
  [[nodiscard]] io::Interest interest() const { return database_.interest(); }
  [[nodiscard]] Instant deadline() const { return database_.deadline(); }

  // Appends what happened.
  void advance(Instant now, std::vector<ReplayEvent>& events);

  // The server is up and no reading is under way.
  [[nodiscard]] bool ready() const { return step_ == Step::ready; }

  // Asks once. Does nothing unless ready(): the reading under way answers too, or the one after the
  // next ServerUp. Ends in a Tide, NoReading or ServerDown.
  void poll(Instant now);

  // As of the last answer: a standby. False while no server is up.
  [[nodiscard]] bool in_recovery() const { return up_ && server_.in_recovery; }

 private:
  // What the question under way is about.
  enum class Step : std::uint8_t { down, introduction, ready, position, timeline, history };

  struct RoleAndLsn {
    bool in_recovery = false;
    Lsn lsn;  // without page header; none when a standby has replayed nothing

    friend bool operator==(const RoleAndLsn&, const RoleAndLsn&) = default;
  };

  explicit ReplayReader(Database database) : database_(std::move(database)) {}

  using Rows = std::vector<SqlRow>;
  using Events = std::vector<ReplayEvent>;
  void ask(Step step, const std::string& sql, Instant now);
  void answered(const Rows& rows, Instant now, Events& events);
  void refused(const Database::QueryFailed& refusal, Instant now, Events& events);
  void lost(Database::Lost lost, Events& events);
  void introduced(const Rows& rows, Instant now, Events& events);
  void position_known(const Rows& rows, Instant now, Events& events);
  void timeline_known(const Rows& rows, Instant now, Events& events);
  void history_known(const Rows& rows, Instant now, Events& events);
  void finish(History history, Events& events);
  void no_reading(Events& events);
  void give_up(std::string reason, Instant now, Events& events);
  void down(std::string reason, Events& events);
  [[nodiscard]] bool degraded() const { return !why_degraded_.empty(); }
  [[nodiscard]] bool timeline_may_have_changed() const;

  Database database_;
  Step step_ = Step::down;
  bool up_ = false;
  std::string reported_;      // the reason of the last ServerDown, until the server is up
  std::string why_degraded_;  // set by a refusal of replication=database, until the next loss
  bool lacks_right_ = false;  // that was the refusal; else no wal sender was free
  Introduction server_;
  RoleAndLsn reading_;       // under way
  TimelineId timeline_ = 0;  // of the reading under way
  RoleAndLsn seen_;          // of the last complete reading; its timeline is in tide_
  Tide tide_;                // the last complete reading; timeline 0: none on this connection
};

}  // namespace tidegate::postgres
