// The SQL that both sides put to a server, and how its answers are read: which server is it, where
// does your WAL stand. An answer that makes no sense is an error, never a guess.
#pragma once

#include <string>
#include <vector>

#include "lib/gate/commit_position.hpp"
#include "peer/servers/postgres/identity.hpp"
#include "peer/servers/postgres/sql_row.hpp"
#include "tidegate/lsn.hpp"
#include "tidegate/result.hpp"
#include "tidegate/tide.hpp"

namespace tidegate::postgres {

// Facts that stay the same as long as the connection leads to the same life of the same server,
// except the role of a standby. Every later answer tells its identity to show that it does.
struct Introduction {
  Identity identity;
  ServerIncarnation incarnation;
  WalLayout layout;
  bool in_recovery = false;
  std::string login;        // the role we are, quoted as SQL wants it
  std::string description;  // "standby db1 (10.0.0.1) port 5432, PostgreSQL 15.6, started ..."
};

extern const std::string introduction_sql;
// `server` is where we connected to. A server that gives another address for itself (we came
// through a balancer) is shown with both.
[[nodiscard]] Result<Introduction> read_introduction(std::vector<SqlRow> rows,
                                                     const std::string& server);

// On a primary. The insert LSN is read first: `flush` is then never too old to cover it. The
// identity is taken off the answer before it is read.
extern const std::string commit_position_sql;
[[nodiscard]] Result<gate::CommitPosition> read_commit_position(
    const std::vector<SqlRow>& rows, const ServerIncarnation& incarnation, WalLayout layout);

// The same on a connection of which we know nothing.
struct StrangerPosition {
  Identity identity;
  WalLayout layout;
  gate::CommitPosition reading;  // its incarnation tells the cluster only
};
extern const std::string stranger_commit_position_sql;
[[nodiscard]] Result<StrangerPosition> read_stranger_commit_position(std::vector<SqlRow> rows);

// Makes durable what was written so far: a transaction that writes a record of its own and commits
// with a flush. It does not wait for a synchronous standby, whatever the session is set to, and
// leaves that setting alone. Needs no right, and works in a read-only session too.
extern const std::string nudge_sql;

// The timeline is what a WAL file's name begins with: eight hexadecimal digits.
[[nodiscard]] Result<TimelineId> timeline_of_wal_file(const std::string& name);
[[nodiscard]] Result<TimelineId> parse_timeline(const std::string& decimal);

}  // namespace tidegate::postgres
