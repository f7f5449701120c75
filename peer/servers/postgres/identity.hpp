// Which life of which server gives an answer, told with every answer in the same statement.
//
// Behind a pooler in transaction mode, a balancer or a virtual address two statements of one
// session may reach two servers, silently. So an answer counts only if it comes from the life that
// has introduced itself.
//
// A life begins with the start of the server, or with its recovery from the crash of a backend,
// which the start does not show though asynchronous commits are lost. That recovery throws all
// statistics away, so the times since which they count move all at once; an operator who resets
// some of them moves only these. Hence: the same start, and at least one of these times the same.
//
// Times are compared for equality only. A clock may be set back, so that their order says nothing.
// The start, to the microsecond, also tells servers apart: the system identifier, which costs as
// much as the rest together, is asked for once in a connection.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "peer/servers/postgres/sql_row.hpp"
#include "tidegate/result.hpp"

namespace tidegate::postgres {

struct Identity {
  std::int64_t started = 0;  // all in microseconds since 1970
  // Of three kinds of statistics that are reset one by one; 0: not told.
  std::array<std::int64_t, 3> counted_since{};
};

// Not symmetric in time: an operator may reset one kind today and another tomorrow. So compare an
// answer with the one before it, not with the first.
[[nodiscard]] bool same_life(const Identity& one, const Identity& other);

// The columns of an identity, which stand at the end of a statement's; begins with a comma. Open to
// every role. (PostgreSQL 14 reads the statistics from a file, which takes a millisecond.)
inline const std::string identity_columns =
    ", extract(epoch FROM pg_catalog.pg_postmaster_start_time()),"
    " extract(epoch FROM pg_catalog.pg_stat_get_bgwriter_stat_reset_time()),"
    " extract(epoch FROM (pg_catalog.pg_stat_get_wal()).stats_reset),"
    " extract(epoch FROM (pg_catalog.pg_stat_get_archiver()).stats_reset)";

// Takes them off the rows of an answer; those of the first tell. An error: they are not there, or
// make no sense.
[[nodiscard]] Result<Identity> take_identity(std::vector<SqlRow>& rows);

// For people: why `answer` does not count on a connection where `introduced`, with this
// description, was expected.
[[nodiscard]] std::string another_server(const std::string& description, const Identity& introduced,
                                         const Identity& answer);

}  // namespace tidegate::postgres
