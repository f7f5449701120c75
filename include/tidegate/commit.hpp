// The position of a commit, for a program that commits through libpq itself.
//
// Call one of these on the connection that made the change and publish with the position it
// returns. It covers the commit, and it is flushed: no crash of the primary takes it back.
//
// Rejected: reading the LSN inside the transaction, or behind a statement that commits by itself in
// the same query string or pipeline. It is taken before the commit record is written, and the
// message would arrive before the change.
//
// These block, as PQexec does, and change nothing on the connection: no setting, no prepared
// statement. They need no right.
//
// A pooler in transaction mode, a balancer or a virtual address may lead to another server from one
// statement to the next. Each answer tells which server gives it, and commit() returns a position
// only if the server that has committed gave it. position_after_commit() can't know who committed.
//
// The position names its timeline by number and by the start of the server: SQL tells no more. A
// peer that has met this primary in this life adds the history when the position is published.
// If its primary is another server, which may have a timeline of the same number, the message comes
// back (Unpublished::Why::other_primary). Only a peer without any primary sends it as it is.
//
// Threads: the caller's; the connection must not be used by another at the same time.
#pragma once

#include <cstdint>
#include <string>

#include "tidegate/export.hpp"
#include "tidegate/position.hpp"
#include "tidegate/result.hpp"

struct pg_conn;  // PGconn of libpq-fe.h

namespace tidegate {

// Why there is no position, and what has become of the change: that decides what a caller does.
struct CommitError {
  enum class Outcome : std::uint8_t {
    not_committed,  // nothing has changed: make the change again, or give it up
    unknown,        // the connection was lost during COMMIT: look whether it is there
    // The change was made, but no position covers it. If another server answers now (a failover
    // behind a pooler), it may be undone: look for it, then ask on another connection.
    committed_position_unknown,
  };
  Outcome outcome = Outcome::not_committed;
  std::string sqlstate;  // five characters of PostgreSQL's; empty if the server said nothing
  std::string message;   // one line for people: what has become of the change, why, and the cure

  friend bool operator==(const CommitError&, const CommitError&) = default;
};

// Ends the transaction that is open on the connection with COMMIT.
//
// The position also tells behind which place the change lies (Position::after), so that a later
// failover has undone it for sure or not at all, rather than perhaps.
//
// COMMIT and the questions before and behind it go in one message, so it costs no round trip more
// than COMMIT, and nothing gets between them. If synchronous_commit was off for the transaction
// (set for the session or only for it), it also flushes the WAL, as a synchronous commit would
// have, by a second message.
[[nodiscard]] TIDEGATE_EXPORT Result<Position, CommitError> commit(pg_conn* connection);

// For a commit that was made otherwise: by a single statement, by COMMIT PREPARED, by a library.
// Refuses a connection in a transaction, in pipeline mode, in COPY or with a query under way.
//
// It can't know which synchronous_commit the transaction had. So it takes all that was written by
// anybody, and flushes it if that has not happened yet: on a busy server this costs about what a
// small commit costs. commit() knows, and is cheaper.
// Its error is `not_committed` if a transaction is still open, else `committed_position_unknown`.
[[nodiscard]] TIDEGATE_EXPORT Result<Position, CommitError> position_after_commit(
    pg_conn* connection);

}  // namespace tidegate
