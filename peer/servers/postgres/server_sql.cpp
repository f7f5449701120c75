#include "peer/servers/postgres/server_sql.hpp"

#include <utility>

#include "lib/base/decimal.hpp"
namespace tidegate::postgres {
namespace {

template <typename Number>
bool read_number(const std::optional<std::string>& text, Number& number, int radix = 10) {
  const auto parsed = text ? base::parse_number<Number>(*text, radix) : std::nullopt;
  number = parsed.value_or(number);
  return parsed.has_value();
}

std::string quoted(const std::vector<SqlRow>& rows) {
  std::string text;
  for (const auto& row : rows) {
    for (const auto& cell : row) text += (text.empty() ? "'" : ", '") + cell.value_or("NULL") + "'";
  }
  return text.empty() ? "nothing" : text;
}

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
               "; is it PostgreSQL 10 or newer, without a pooler before it?"};
}

}  // namespace

const std::string introduction_sql =
    "SELECT system_identifier,"
    " (extract(epoch FROM greatest(pg_catalog.pg_postmaster_start_time(),"
    " pg_catalog.pg_stat_get_bgwriter_stat_reset_time()))"
    " OPERATOR(pg_catalog.*) 1000000)::pg_catalog.int8,"
    " pg_catalog.pg_size_bytes(pg_catalog.current_setting('wal_block_size')),"
    " pg_catalog.pg_size_bytes(pg_catalog.current_setting('wal_segment_size')),"
    " pg_catalog.pg_is_in_recovery(),"
    " pg_catalog.quote_ident(session_user),"
    " pg_catalog.split_part(pg_catalog.current_setting('server_version'), ' ', 1),"
    " pg_catalog.date_trunc('second', pg_catalog.pg_postmaster_start_time()),"
    " pg_catalog.host(pg_catalog.inet_server_addr())"
    " FROM pg_catalog.pg_control_system()";

Result<Introduction> read_introduction(const std::vector<SqlRow>& rows, const std::string& server) {
  Introduction introduction;
  if (rows.size() != 1 || rows[0].size() != 9) return senseless("identity", rows);
  const auto& row = rows[0];
  if (!read_system(row[0], introduction.incarnation.cluster) ||
      !read_number(row[1], introduction.incarnation.started) ||
      !read_layout(row[2], row[3], introduction.layout) || !row[4] || !row[5]) {
    return senseless("identity", rows);
  }
  introduction.in_recovery = *row[4] == "t";
  introduction.login = *row[5];
  introduction.description = (introduction.in_recovery ? "standby " : "primary ") + server +
                             ", PostgreSQL " + row[6].value_or("?") + ", started " +
                             row[7].value_or("?");
  if (row[8] && server.find(*row[8]) == std::string::npos) {
    introduction.description += ", its own address is " + *row[8];
  }
  return introduction;
}

const std::string commit_position_sql =
    "SELECT pg_catalog.pg_current_wal_insert_lsn(), pg_catalog.pg_current_wal_flush_lsn(),"
    " pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_insert_lsn())";

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
    commit_position_sql +
    ", system_identifier,"
    " pg_catalog.pg_size_bytes(pg_catalog.current_setting('wal_block_size')),"
    " pg_catalog.pg_size_bytes(pg_catalog.current_setting('wal_segment_size'))"
    " FROM pg_catalog.pg_control_system()";

Result<gate::CommitPosition> read_stranger_commit_position(const std::vector<SqlRow>& rows) {
  ServerIncarnation incarnation;
  WalLayout layout;
  if (rows.size() != 1 || rows[0].size() != 6 || !read_system(rows[0][3], incarnation.cluster) ||
      !read_layout(rows[0][4], rows[0][5], layout)) {
    return senseless("WAL position", rows);
  }
  return read_commit_position(rows, incarnation, layout);
}

const std::string nudge_sql =
    "SELECT pg_catalog.set_config('synchronous_commit', 'local', true),"
    " pg_catalog.pg_logical_emit_message(true, 'tidegate', '')";

Result<TimelineId> timeline_of_wal_file(const std::string& name) {
  TimelineId timeline = 0;
  if (name.size() != 24 || !read_number(name.substr(0, 8), timeline, 16) || timeline == 0) {
    return Error{"'" + name + "' is not the name of a WAL file"};
  }
  return timeline;
}

Result<TimelineId> parse_timeline(const std::string& decimal) {
  TimelineId timeline = 0;
  if (!read_number(decimal, timeline)) return Error{"'" + decimal + "' is not a timeline"};
  return timeline;
}

}  // namespace tidegate::postgres
