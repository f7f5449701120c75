// The SQL of the publishing side: which position covers a commit that has returned.
//
// ask() reads insert LSN, flush LSN and timeline of the primary in one statement. The insert LSN
// covers every commit that had returned before ask() was called, whatever its synchronous_commit;
// the flush LSN only those that were made with `local` or stronger. A position may be sent once
// `flush` has reached it, never before: after a crash the same timeline reuses the same LSNs for
// other changes.
//
// The insert LSN also covers what other sessions have written and not flushed (an open
// transaction); replicas get it with the next flush, on an idle server up to 15 s later. nudge()
// flushes it now, by a small durable write of its own. It costs the primary an fsync and every
// replica a transaction: only while positions wait, and with back-off.
//
// After PrimaryDown a later reading says nothing of earlier commits: the server may have crashed
// and lost an asynchronous commit, or another may have been promoted without the last ones. Which
// commits are in doubt: those that returned before PrimaryUp and have no flushed position yet.
//
// A server in recovery is no primary: PrimaryDown says what to do, and the connection is tried
// again. "host=a,b target_session_attrs=primary" follows a failover.
//
// Rights: LOGIN and CONNECT on the database. pg_current_wal_insert_lsn(),
// pg_current_wal_flush_lsn(), pg_walfile_name(), pg_control_system(), pg_postmaster_start_time()
// and pg_logical_emit_message() are open to PUBLIC in PostgreSQL 15 (tested with a role that has
// nothing else). Threads: all calls from one thread. Nothing blocks (but see database.hpp about
// names).
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "lib/gate/commit_position.hpp"
#include "peer/servers/postgres/connection.hpp"
#include "peer/servers/postgres/server_sql.hpp"
#include "tidegate/lsn.hpp"
#include "tidegate/notice.hpp"
#include "tidegate/result.hpp"
#include "tidegate/tide.hpp"
#include "tidegate/time.hpp"

namespace tidegate::postgres {

// PrimaryDown comes when one was up, and again when the reason has changed; not for every failed
// attempt. A question under way is gone with it.
using CommitEvent = std::variant<PrimaryUp, gate::CommitPosition, PrimaryDown>;

class CommitPositionReader {
 public:
  // Refuses a connection string that libpq can't read. Connects with the first advance().
  [[nodiscard]] static Result<CommitPositionReader> create(const std::string& connection_string,
                                                           Database::Timeouts timeouts = {});

  // What the loop waits for before it calls advance(); see Database. Both may change with every
  // call of advance(), ask() and nudge().
  [[nodiscard]] io::Interest interest() const { return database_.interest(); }
  [[nodiscard]] Instant deadline() const { return database_.deadline(); }

  // Appends what happened.
  void advance(Instant now, std::vector<CommitEvent>& events);

  // A primary is up and no question is under way.
  [[nodiscard]] bool ready() const { return step_ == Step::ready; }

  // Each needs ready() and ends in one CommitPosition or in PrimaryDown. The answer speaks for the
  // commits that had returned before the call; for later ones ask again.
  void ask(Instant now);
  // Makes everything durable that was written so far, then reads: `flush` has then reached every
  // insert LSN read before.
  void nudge(Instant now);

 private:
  // What the question under way is about.
  enum class Step : std::uint8_t { down, introduction, ready, reading, nudge };

  explicit CommitPositionReader(Database database) : database_(std::move(database)) {}

  using Rows = std::vector<SqlRow>;
  using Events = std::vector<CommitEvent>;
  void send(Step step, const std::string& sql, Instant now);
  void answered(const Rows& rows, Instant now, Events& events);
  void introduced(const Rows& rows, Instant now, Events& events);
  void give_up(std::string reason, Instant now, Events& events);
  void down(std::string reason, Events& events);

  Database database_;
  Step step_ = Step::down;
  bool up_ = false;
  std::string reported_;  // the reason of the last PrimaryDown, until a primary is up
  Introduction server_;
};

}  // namespace tidegate::postgres
