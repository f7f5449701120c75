#include "peer/servers/postgres/outbox_status.hpp"

#include <algorithm>
#include <chrono>

#include "peer/servers/postgres/outbox_query.hpp"

namespace tidegate::postgres {
namespace {

// In the order of outbox_status_question().
enum Column : std::size_t {
  primary,
  rows,
  bytes,
  horizon,
  removed_before,
  oldest,                // transaction, announced, age
  newest = oldest + 3,   // the same
  writer = newest + 3,   // transaction, age, process, prepared, role, database, application
  columns = writer + 7,  // how many there are
};

std::string microseconds(const std::string& span) {
  return "(extract(epoch FROM " + span + ") * 1000000)::pg_catalog.int8";
}

const auto* const clock = "pg_catalog.clock_timestamp() - ";

// The first or the last one.
std::string row_question(const std::string& order) {
  return "SELECT transaction, " + microseconds("announced") + " AS announced, " +
         microseconds(std::string(clock) + "announced") +
         " AS age FROM tidegate.outbox AS row ORDER BY row.transaction " + order + ", row.id " +
         order + " LIMIT 1";
}

// A session tells the lower 32 bits of its transaction alone. That is not before the horizon, whose
// snapshot is taken first, and so lies within one turn of 32 bits behind it.
std::string writer_question() {
  const std::string number = "::pg_catalog.text::pg_catalog.numeric";
  return "SELECT horizon + (4294967296 + bits - horizon % 4294967296) % 4294967296 AS transaction,"
         " " +
         microseconds(std::string(clock) + "since") +
         " AS age, process, prepared, role, database, application FROM ("
         "SELECT backend_xid" +
         number +
         ", xact_start, pid, '', usename, datname, application_name"
         " FROM pg_catalog.pg_stat_activity WHERE backend_xid IS NOT NULL"
         " UNION ALL SELECT transaction" +
         number +
         ", prepared, 0, gid, owner, database, ''"
         " FROM pg_catalog.pg_prepared_xacts"
         ") AS open (bits, since, process, prepared, role, database, application)"
         " ORDER BY transaction LIMIT 1";
}

// The clock of a standby, or the time in a row, may be off.
bool read_age(const std::optional<std::string>& text, Duration& age) {
  std::int64_t microseconds = 0;
  if (!read_number(text, microseconds)) return false;
  age = std::chrono::microseconds(std::max<std::int64_t>(microseconds, 0));
  return true;
}

// False: it makes no sense. Empty cells are no row.
bool read_row(const SqlRow& cells, std::size_t at, std::optional<AnnouncedRow>& row) {
  if (!cells[at]) return true;
  auto& found = row.emplace();
  return read_number(cells[at], found.transaction) && read_number(cells[at + 1], found.announced) &&
         read_age(cells[at + 2], found.age);
}

bool read_writer(const SqlRow& cells, std::size_t at, std::optional<OpenWriter>& writer) {
  if (!cells[at]) return true;
  auto& found = writer.emplace();
  if (Duration open{}; read_age(cells[at + 1], open)) found.open = open;
  found.prepared = cells[at + 3].value_or("");
  found.role = cells[at + 4].value_or("");
  found.database = cells[at + 5].value_or("");
  found.application = cells[at + 6].value_or("");
  return read_number(cells[at], found.transaction) && read_number(cells[at + 2], found.process);
}

}  // namespace

std::string outbox_status_question() {
  return "SELECT NOT standby, (SELECT pg_catalog.count(*) FROM tidegate.outbox),"
         " pg_catalog.pg_total_relation_size('tidegate.outbox'), horizon,"
         " (SELECT before FROM tidegate.outbox_removed), oldest.*, newest.*, writer.*"
         " FROM (SELECT pg_catalog.pg_is_in_recovery() AS standby,"
         " pg_catalog.pg_snapshot_xmin(pg_catalog.pg_current_snapshot())"
         "::pg_catalog.text::pg_catalog.numeric AS horizon) AS server"
         " LEFT JOIN (" +
         row_question("ASC") + ") AS oldest ON true LEFT JOIN (" + row_question("DESC") +
         ") AS newest ON true LEFT JOIN LATERAL (" + writer_question() +
         ") AS writer ON NOT standby";
}

std::string outbox_behind_question(const outbox::CursorState& cursor) {
  const auto settled = "'" + std::to_string(cursor.settled) + "'::pg_catalog.xid8";
  return "SELECT pg_catalog.count(*), " +
         microseconds(std::string(clock) + "pg_catalog.min(announced)") + ", (SELECT before > " +
         settled +
         " FROM tidegate.outbox_removed)"
         " FROM (SELECT announced FROM tidegate.outbox WHERE transaction >= " +
         settled + " AND NOT id <@ '" + ranges_text(cursor.done) +
         "'::pg_catalog.int8multirange ORDER BY transaction, id LIMIT " +
         std::to_string(most_counted_behind) + ") AS behind";
}

bool read_outbox_behind(const std::vector<SqlRow>& answer, CursorLag& lag) {
  if (answer.size() != 1 || answer.front().size() != 3) return false;
  const auto& cells = answer.front();
  lag.lost = cells[2] == "t";
  if (cells[1] && !read_age(cells[1], lag.waits.emplace())) return false;
  return read_number(cells[0], lag.rows);
}

Result<OutboxStatus> read_outbox_status(const std::vector<SqlRow>& answer) {
  OutboxStatus status;
  const auto& cells = answer.empty() ? SqlRow() : answer.front();
  if (cells.size() != Column::columns || !read_number(cells[Column::rows], status.rows) ||
      !read_number(cells[Column::bytes], status.bytes) ||
      !read_number(cells[Column::horizon], status.horizon) ||
      !read_number(cells[Column::removed_before], status.removed_before) ||
      !read_row(cells, Column::oldest, status.oldest) ||
      !read_row(cells, Column::newest, status.newest) ||
      !read_writer(cells, Column::writer, status.oldest_writer)) {
    return Error{"the server answered " + quoted(answer) +
                 " when asked how its outbox stands; tidegate outbox --check tells what is wrong"};
  }
  status.primary = cells[Column::primary] == "t";
  return status;
}

}  // namespace tidegate::postgres
