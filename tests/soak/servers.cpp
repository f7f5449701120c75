#include "tests/soak/servers.hpp"

#include <chrono>
#include <csignal>
#include <fstream>

#include "support/eventually.hpp"

namespace tidegate::soak {

using namespace std::chrono_literals;

// Without fsync: a killed process loses nothing that it had written, and only a crash of the
// machine would. With it, each restart takes seconds to sync files that need no syncing.
Servers::Servers() : cluster_({.config = "fsync = off", .own_identity = true}) {
  all_.push_back(&cluster_.primary());
  cluster_.primary().execute("CREATE TABLE rows (name text PRIMARY KEY)");
  while (all_.size() < server_count) all_.push_back(&cluster_.add_replica());
}

std::string Servers::whichever() const {
  std::string hosts;
  for (const auto* server : all_) {
    hosts += (hosts.empty() ? "host=" : ",") + server->socket_directory().string();
  }
  return hosts + " port=5432 user=postgres dbname=postgres target_session_attrs=primary";
}

void Servers::isolate_primary() {
  // The peers too have connections of that kind.
  const auto senders = at(primary_).query(
      "SELECT pid FROM pg_stat_replication WHERE application_name IN ('" + all_[0]->name() +
      "', '" + all_[1]->name() + "', '" + all_[2]->name() + "')");
  for (const auto& sender : senders) ::kill(std::stoi(sender.at(0)), SIGSTOP);
}

std::optional<int> Servers::replace_primary(int heir) {
  const int third = 0 + 1 + 2 - primary_ - heir;
  auto& old = at(primary_);
  auto& other = at(third);
  auto& next = at(heir);
  next.promote();
  primary_ = heir;
  other.follow(next);
  // Not only that it is streaming: it is for a moment, too, when it turns out that it can't go on.
  const auto timeline = next.value(
      "SELECT ('x' || left(pg_walfile_name(pg_current_wal_flush_lsn()), 8))::bit(32)::int");
  const auto reached = next.value("SELECT pg_current_wal_flush_lsn()");
  const auto follows = [&] {
    return other.value(
               "SELECT count(*) FROM pg_stat_wal_receiver WHERE status = 'streaming' AND "
               "received_tli = " +
               timeline + " AND pg_last_wal_replay_lsn() >= '" + reached + "'") == "1";
  };
  const bool is_astray = !support::eventually(5s, follows);
  if (is_astray) support::Cluster::copy_again(other, next);
  support::Cluster::copy_again(old, next);
  return is_astray ? std::optional(third) : std::nullopt;
}

std::string Servers::standing() {
  std::string text;
  for (int number = 0; number < server_count; ++number) {
    const auto row = at(number).query(
        "SELECT CASE WHEN pg_is_in_recovery() THEN 'standby' ELSE 'primary' END,"
        " coalesce((SELECT status || ', timeline ' || received_tli FROM pg_stat_wal_receiver),"
        " 'receives nothing'), CASE WHEN pg_is_in_recovery() THEN 'received ' ||"
        " coalesce(pg_last_wal_receive_lsn()::text, 'nothing') || ', replayed ' ||"
        " pg_last_wal_replay_lsn() ELSE 'written ' || pg_current_wal_insert_lsn() END");
    text += "  " + name(number);
    for (const auto& cell : row.at(0)) text += ", " + cell;
    text += "\n";
  }
  return text;
}

void Servers::keep_logs(const std::filesystem::path& directory) const {
  for (std::size_t number = 0; number < all_.size(); ++number) {
    std::ofstream(directory / (name(static_cast<int>(number)) + ".log"))
        << all_[number]->log_text();
  }
}

std::vector<support::Row> Servers::rows() { return at(primary_).query("SELECT name FROM rows"); }

}  // namespace tidegate::soak
