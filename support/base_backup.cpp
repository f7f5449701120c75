#include "support/base_backup.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <fstream>
#include <string_view>

#include "support/temporary_directory.hpp"

namespace tidegate::support {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

// As pg_basebackup has it: what belongs to the running server alone is left out, and of these
// folders all that they hold. The WAL is streamed: the copied server still has it.
constexpr auto left_out_files =
    std::to_array<std::string_view>({"backup_label", "postmaster.opts", "postmaster.pid",
                                     "standby.signal", "tablespace_map", "test.conf"});
constexpr auto left_out_contents =
    std::to_array<std::string_view>({"pg_dynshmem", "pg_notify", "pg_replslot", "pg_serial",
                                     "pg_snapshots", "pg_stat_tmp", "pg_subtrans", "pg_wal"});
// The last file to be copied: on a standby it says how far the others may have come.
const fs::path control_file = fs::path("global") / "pg_control";

void copy_entry(const fs::path& from, const fs::path& to) {
  std::error_code gone;  // a running server removes files at any time, and knows that from its WAL
  if (fs::is_directory(from, gone)) {
    fs::create_directory(to);
    fs::permissions(to, fs::perms::owner_all);
  } else {
    fs::copy_file(from, to, gone);
    if (gone == std::errc::no_such_file_or_directory) return;
    if (gone) throw fs::filesystem_error("can't copy a database", from, to, gone);
  }
  give_to(to, server_user());
}

void copy_files(const fs::path& from, const fs::path& to) {
  copy_entry(from, to);
  for (auto entry = fs::recursive_directory_iterator(from);
       entry != fs::recursive_directory_iterator(); ++entry) {
    const auto path = entry->path().lexically_relative(from);
    if (path == control_file || std::ranges::count(left_out_files, path.string()) > 0) continue;
    copy_entry(entry->path(), to / path);
    if (std::ranges::count(left_out_contents, path.string()) > 0) entry.disable_recursion_pending();
  }
  fs::create_directory(to / "pg_wal" / "archive_status");
  give_to(to / "pg_wal" / "archive_status", server_user());
  copy_entry(from / control_file, to / control_file);
}

void mark_as_standby(const fs::path& data) {
  std::ofstream(data / "standby.signal").close();
  give_to(data / "standby.signal", server_user());
}

void copy_by_program(const std::string& program, const Server& followed, const fs::path& data,
                     const std::string& slot) {
  std::vector<std::string> backup = {program,
                                     "--dbname=" + followed.connection_string(),
                                     "--pgdata=" + data.string(),
                                     "--checkpoint=fast",
                                     "--wal-method=stream",
                                     "--no-sync",
                                     "--no-manifest"};
  if (!slot.empty()) backup.insert(backup.end(), {"--create-slot", "--slot=" + slot});
  run_as_server(backup);
  fs::remove(data / "test.conf");
  mark_as_standby(data);
}

void copy_by_backup_functions(const Server& followed, const fs::path& data,
                              const std::string& slot) {
  auto session = followed.connect();
  if (!slot.empty()) {
    session.execute("SELECT pg_create_physical_replication_slot('" + slot + "', true)");
  }
  // PostgreSQL 15 gave them other names.
  const bool renamed = std::stoi(session.value("SHOW server_version_num")) >= 150'000;
  session.execute(renamed ? "SELECT pg_backup_start('copy', true)"
                          : "SELECT pg_start_backup('copy', true, false)");
  copy_files(followed.data_directory(), data);
  const auto label = session.value(renamed ? "SELECT labelfile FROM pg_backup_stop(false)"
                                           : "SELECT labelfile FROM pg_stop_backup(false, false)");
  std::ofstream(data / "backup_label") << label;
  give_to(data / "backup_label", server_user());
  mark_as_standby(data);
}

}  // namespace

void run_as_server(std::vector<std::string> arguments) {
  Command command;
  command.arguments = std::move(arguments);
  command.user = server_user();
  command.directory = "/";
  run(command, 60s);
}

void copy_database(const Server& followed, const fs::path& data, const std::string& slot) {
  if (const auto program = find_postgres_program("pg_basebackup")) {
    copy_by_program(*program, followed, data, slot);
  } else {
    copy_by_backup_functions(followed, data, slot);
  }
}

}  // namespace tidegate::support
