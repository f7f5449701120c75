#include "peer/servers/postgres/server_sql.hpp"

#include <algorithm>
#include <utility>

namespace tidegate::postgres {
namespace {

// bigint in SQL: an identifier made after 2038 is negative there.
bool read_system(const std::optional<std::string>& text, ClusterId& cluster) {
  std::int64_t number = 0;
  if (!read_number(text, number)) return false;
  cluster = static_cast<ClusterId>(number);
  return true;
}

bool read_layout(const std::optional<std::string>& block, const std::optional<std::string>& segment,
                 WalLayout& layout) {
  return read_number(block, layout.block_size) && read_number(segment, layout.segment_size) &&
         layout.block_size > 0 && layout.segment_size > 0;
}

Error senseless(const std::string& question, const std::vector<SqlRow>& rows) {
  return Error{"the server answered " + quoted(rows) + " when asked for its " + question +
               "; is it PostgreSQL 14 or newer, without a pooler before it?"};
}

const std::string commit_position_columns =
    "SELECT pg_catalog.pg_current_wal_insert_lsn(), pg_catalog.pg_current_wal_flush_lsn(),"
    " pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_insert_lsn())";

}  // namespace

const std::string introduction_sql =
    "SELECT system_identifier,"
    " pg_catalog.pg_size_bytes(pg_catalog.current_setting('wal_block_size')),"
    " pg_catalog.pg_size_bytes(pg_catalog.current_setting('wal_segment_size')),"
    " pg_catalog.pg_is_in_recovery(),"
    " pg_catalog.quote_ident(session_user),"
    " pg_catalog.split_part(pg_catalog.current_setting('server_version'), ' ', 1),"
    " pg_catalog.date_trunc('second', pg_catalog.pg_postmaster_start_time()),"
    " pg_catalog.host(pg_catalog.inet_server_addr())" +
    identity_columns + " FROM pg_catalog.pg_control_system()";

Result<Introduction> read_introduction(std::vector<SqlRow> rows, const std::string& server) {
  Introduction introduction;
  const auto identity = take_identity(rows);
  if (!identity) return identity.error();
  introduction.identity = *identity;
  if (rows.size() != 1 || rows[0].size() != 8) return senseless("identity", rows);
  const auto& row = rows[0];
  if (!read_system(row[0], introduction.incarnation.cluster) ||
      !read_layout(row[1], row[2], introduction.layout) || !row[3] || !row[4]) {
    return senseless("identity", rows);
  }
  introduction.incarnation.started = identity->started;
  const auto& times = identity->counted_since;
  introduction.incarnation.counted_since = *std::max_element(times.begin(), times.end());
  introduction.in_recovery = *row[3] == "t";
  introduction.login = *row[4];
  introduction.description = (introduction.in_recovery ? "standby " : "primary ") + server +
                             ", PostgreSQL " + row[5].value_or("?") + ", started " +
                             row[6].value_or("?");
  if (row[7] && server.find(*row[7]) == std::string::npos) {
    introduction.description += ", its own address is " + *row[7];
  }
  return introduction;
}

const std::string commit_position_sql = commit_position_columns + identity_columns;

Result<gate::CommitPosition> read_commit_position(const std::vector<SqlRow>& rows,
                                                  const ServerIncarnation& incarnation,
                                                  WalLayout layout) {
  if (rows.size() != 1 || rows[0].size() < 3) return senseless("WAL position", rows);
  const auto& row = rows[0];
  const auto insert = parse_lsn(row[0].value_or(""));
  const auto flush = parse_lsn(row[1].value_or(""));
  const auto timeline = timeline_of_wal_file(row[2].value_or(""));
  if (!insert || !flush || !timeline) return senseless("WAL position", rows);
  // Only the number: the rest of the history is not asked for here.
  auto history = History::of({{*timeline, 0, 0}});
  if (!history) return history.error();
  return gate::CommitPosition{incarnation, std::move(*history),
                              without_page_header(*insert, layout),
                              without_page_header(*flush, layout)};
}

const std::string stranger_commit_position_sql =
    commit_position_columns +
    ", system_identifier,"
    " pg_catalog.pg_size_bytes(pg_catalog.current_setting('wal_block_size')),"
    " pg_catalog.pg_size_bytes(pg_catalog.current_setting('wal_segment_size'))" +
    identity_columns + " FROM pg_catalog.pg_control_system()";

Result<StrangerPosition> read_stranger_commit_position(std::vector<SqlRow> rows) {
  StrangerPosition stranger;
  const auto identity = take_identity(rows);
  if (!identity) return identity.error();
  stranger.identity = *identity;
  ServerIncarnation incarnation;
  if (rows.size() != 1 || rows[0].size() != 6 || !read_system(rows[0][3], incarnation.cluster) ||
      !read_layout(rows[0][4], rows[0][5], stranger.layout)) {
    return senseless("WAL position", rows);
  }
  auto reading = read_commit_position(rows, incarnation, stranger.layout);
  if (!reading) return reading.error();
  stranger.reading = std::move(*reading);
  return stranger;
}

const std::string nudge_sql =
    "SELECT pg_catalog.set_config('synchronous_commit', 'local', true),"
    " pg_catalog.pg_logical_emit_message(true, 'tidegate', '')" +
    identity_columns;

Result<TimelineId> timeline_of_wal_file(const std::string& name) {
  TimelineId timeline = 0;
  if (name.size() != 24 || !read_number(name.substr(0, 8), timeline, 16) || timeline == 0) {
    return Error{"'" + name + "' is not the name of a WAL file"};
  }
  return timeline;
}

Result<TimelineId> parse_timeline(const std::string& decimal) {
  TimelineId timeline = 0;
  if (!read_number(decimal, timeline) || timeline == 0)
    return Error{"'" + decimal + "' is not a timeline"};
  return timeline;
}

}  // namespace tidegate::postgres
