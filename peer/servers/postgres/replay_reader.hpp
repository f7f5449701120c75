// The SQL of the receiving side: how far the server that this application reads has replayed.
//
// The watermark must be of the server the application reads. Connect to that server itself, not
// through a load balancer or a pooler; `ServerUp` tells which server answered.
//
// One reading is, on one connection and in this order:
//   role and LSN (one statement that asks for the role once: after a promotion the replay LSN stays
//   frozen) - timeline (IDENTIFY_SYSTEM) - history (history_query.hpp, when the timeline is new).
// The timeline is asked after the LSN, so a switch in between makes the reading too modest, never
// too bold. It is asked only when it can have changed: a standby's timeline moves with its replay
// LSN, a primary's never. So a read of a server where nothing moved is one question.
//
// IDENTIFY_SYSTEM and the history need a connection opened with replication=database: a role
// with the REPLICATION attribute (or a superuser) and one of the server's max_wal_senders. Without
// either, the watch connects plainly and is *degraded* (`ServerUp::degraded` tells the cure), until
// the full session can be had, which another ServerUp tells:
//   - No history: a message that still waits when its timeline has ended is reported as in doubt,
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
// Nothing is sent while nobody calls read(), apart from the introduction after each connect.
//
// Rights: LOGIN, CONNECT on the database, and REPLICATION. Every function used is open to PUBLIC.
#pragma once

#include <memory>
#include <string>

#include "peer/servers/postgres/connection.hpp"
#include "peer/servers/server.hpp"
#include "tidegate/result.hpp"

namespace tidegate::postgres {

// Refuses a connection string that libpq can't read. Tells a Warning, once for each connection,
// when a guarantee does not hold in full.
[[nodiscard]] Result<std::unique_ptr<servers::ReplayReader>> open_replay_reader(
    const std::string& connection_string, Database::Timeouts timeouts = {},
    base::Random random = base::Random(1));

}  // namespace tidegate::postgres
