// The SQL of the publishing side: which position covers a commit that has returned.
//
// query() reads insert LSN, flush LSN and timeline of the primary in one statement. The insert LSN
// covers every commit that had returned before query() was called, whatever its synchronous_commit;
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
// A position names the whole history of the primary (history_query.hpp). On timeline 1 there is
// nothing to ask. Else the history is read once in a life of the primary, over a short session of
// replication; positions are asked for on a plain one, so that no peer keeps a wal sender of the
// primary. Without the right, or a free wal sender, positions name the number of the timeline only,
// and `PrimaryUp::degraded` tells the cure; once the history can be had, another PrimaryUp has it.
//
// A server in recovery is no primary: PrimaryDown says what to do, and the connection is tried
// again. "host=a,b target_session_attrs=primary" follows a failover.
//
// Rights: LOGIN and CONNECT on the database, and REPLICATION for the history.
// pg_current_wal_insert_lsn(), pg_current_wal_flush_lsn(), pg_walfile_name(), pg_control_system(),
// pg_postmaster_start_time() and pg_logical_emit_message() are open to PUBLIC in PostgreSQL 15
// (tested with a role that has nothing else).
#pragma once

#include <memory>
#include <string>

#include "peer/servers/postgres/connection.hpp"
#include "peer/servers/server.hpp"
#include "tidegate/result.hpp"

namespace tidegate::postgres {

// Refuses a connection string that libpq can't read.
[[nodiscard]] Result<std::unique_ptr<servers::CommitPositionReader>> open_commit_position_reader(
    const std::string& connection_string, Database::Timeouts timeouts = {},
    base::Random random = base::Random(1));

}  // namespace tidegate::postgres
