#include "tests/soak/row_checker.hpp"

#include <stdexcept>

namespace tidegate::soak {

ServerIncarnation instance_of(support::Session& session) {
  const auto row =
      session
          .rows(
              "SELECT system_identifier,"
              " (extract(epoch FROM pg_postmaster_start_time()) * 1000000)::bigint,"
              " (extract(epoch FROM greatest(pg_stat_get_bgwriter_stat_reset_time(),"
              " (pg_stat_get_wal()).stats_reset, (pg_stat_get_archiver()).stats_reset))"
              " * 1000000)::bigint FROM pg_control_system()")
          .at(0);
  return {.cluster = static_cast<ClusterId>(std::stoll(row.at(0))),
          .started = std::stoll(row.at(1)),
          .counted_since = std::stoll(row.at(2))};
}

void RowChecker::server_up(const ServerIncarnation& incarnation) {
  try {
    session_.emplace(server_ + " connect_timeout=5");
    if (instance_of(*session_) != incarnation) server_down("it is in another life already");
  } catch (const std::runtime_error& error) {
    server_down(error.what());
  }
}

void RowChecker::server_down(const std::string& why) {
  session_.reset();
  why_not_ = why;
}

RowChecker::Finding RowChecker::look(const std::string& row) {
  if (row == no_row) return {};
  if (!session_) return {Look::unjudged, why_not_};
  try {
    const auto found =
        session_->rows("SELECT EXISTS (SELECT FROM rows WHERE name = '" + row +
                       "'), pg_is_in_recovery(), coalesce(pg_last_wal_replay_lsn()::text, 'none')");
    const auto& answer = found.at(0);
    if (answer.at(0) == "t") return {Look::seen, no_row};
    return {Look::absent,
            (answer.at(1) == "t" ? "standby, replayed " : "primary, replayed ") + answer.at(2)};
  } catch (const std::runtime_error& error) {
    server_down(error.what());
    return {Look::unjudged, why_not_};
  }
}

}  // namespace tidegate::soak
