// The schema of an outbox (outbox.sql): the table of announcements, the function by which a
// transaction announces, and what its readers need. It is printed for an operator to apply; nothing
// here changes a database.
//
// - The table is written by INSERT and by DELETE in slices. TRUNCATE, DROP of a partition and a
//   VACUUM that gives pages back take a lock that a standby replays: with one reader there, replay
//   of everything would stop. So vacuum_truncate is off, and rows are never updated.
// - The id of the whole transaction stands in each row, also within savepoints.
// - The function runs with its owner's rights, so that an application needs none to the table. It
//   refuses what no peer could deliver, in the transaction that announces it. So everything belongs
//   to one role, and the script refuses a schema in which another one has a hand.
// - Rows are removed by key, below a mark that was noted long enough or so many bytes ago: a call
//   costs the same whatever the table holds or held, and no row goes before it has been visible for
//   as long as rows are kept.
#pragma once

#include <string>
#include <vector>

#include "peer/servers/postgres/sql_row.hpp"

namespace tidegate::postgres {

inline constexpr int outbox_version = 1;

// Names that need no quotes within quotes.
struct OutboxRoles {
  std::vector<std::string> applications;  // may announce
  std::vector<std::string> readers;       // may read and tidy
  std::vector<std::string> bridges;       // may read, and give numbers
};

// To be run by one who may create schemas, once more without harm.
[[nodiscard]] std::string outbox_schema(const OutboxRoles& roles);

// A question whose answer, in two columns, has a row for each thing that is wrong with the outbox
// of a database, and for each advice. No problem: it is as outbox_schema() makes it, and our role
// may read it and remove what is old. An advice is about the server, which works without it.
[[nodiscard]] std::string outbox_check();
[[nodiscard]] std::vector<std::string> outbox_problems(const std::vector<SqlRow>& rows);
[[nodiscard]] std::vector<std::string> outbox_advice(const std::vector<SqlRow>& rows);

}  // namespace tidegate::postgres
