// The position of a commit, for a program that commits through libpq itself.
//
// Call one of these on the connection that made the change and publish with the position it
// returns. It covers the commit, and it is flushed: no crash of the primary takes it back.
//
// Rejected: reading the LSN inside the transaction, in the same query string or pipeline. It is
// taken before the commit record is written, and the message would arrive before the change.
//
// These block, as PQexec does, and change nothing on the connection: no setting, no prepared
// statement. They need no right. Through a pooler they work if it keeps to one primary.
//
// Threads: the caller's; the connection must not be used by another at the same time.
#pragma once

#include "tidegate/position.hpp"
#include "tidegate/result.hpp"

struct pg_conn;  // PGconn of libpq-fe.h

namespace tidegate {

// Ends the transaction that is open on the connection with COMMIT.
//
// An error says what has become of the transaction, in its first words: "not committed", "commit
// unknown" (the connection was lost in between) or "committed" (only the position is missing).
//
// Costs one round trip more than COMMIT. If synchronous_commit was off for the transaction (set
// for the session or only for it), it also flushes the WAL, as a synchronous commit would have.
[[nodiscard]] Result<Position> commit(pg_conn* connection);

// For a commit that was made otherwise: by a single statement, by COMMIT PREPARED, by a library.
// Refuses a connection in a transaction, in pipeline mode, in COPY or with a query under way.
//
// It can't know which synchronous_commit the transaction had. So it takes all that was written by
// anybody, and flushes it if that has not happened yet: on a busy server this costs about what a
// small commit costs. commit() knows, and is cheaper.
[[nodiscard]] Result<Position> position_after_commit(pg_conn* connection);

}  // namespace tidegate
