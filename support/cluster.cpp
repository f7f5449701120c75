#include "support/cluster.hpp"

#include <chrono>
#include <fstream>
#include <map>
#include <sstream>

#include "support/base_backup.hpp"

namespace tidegate::support {
namespace {

// Small, quiet and quick. Nothing is shared outside of the directory but a word of System V memory.
constexpr auto* common_config = R"(
autovacuum = off
checkpoint_timeout = 30min
dynamic_shared_memory_type = mmap
hot_standby = on
hot_standby_feedback = off
log_checkpoints = off
log_line_prefix = '%m [%p] '
max_connections = 100
max_logical_replication_workers = 0
max_parallel_workers_per_gather = 0
max_prepared_transactions = 10
max_replication_slots = 20
max_wal_senders = 40
shared_buffers = 16MB
wal_keep_size = 512MB
wal_level = replica
wal_receiver_status_interval = 1s
wal_retrieve_retry_interval = 100ms
)";

void make_database(const std::filesystem::path& data, int wal_segment_mb) {
  run_as_server({postgres_program("initdb"), "--pgdata", data, "--no-sync", "--no-instructions",
                 "--auth=trust", "--username=postgres", "--locale=C", "--encoding=UTF8",
                 "--wal-segsize=" + std::to_string(wal_segment_mb)});
  std::ofstream(data / "postgresql.conf", std::ios::app) << "include 'test.conf'\n";
}

// initdb takes a second, a copy a tenth: one database for each segment size is made once in a
// program and kept to its end.
std::filesystem::path pristine_database(int wal_segment_mb) {
  static std::map<int, std::unique_ptr<TemporaryDirectory>> databases;
  auto& directory = databases[wal_segment_mb];
  if (!directory) {
    auto fresh = std::make_unique<TemporaryDirectory>("pristine", server_user());
    make_database(fresh->path() / "data", wal_segment_mb);
    directory = std::move(fresh);
  }
  return directory->path() / "data";
}

std::int64_t milliseconds(Duration duration) {
  return std::chrono::ceil<std::chrono::milliseconds>(duration).count();
}

}  // namespace

Cluster::Cluster(const ClusterOptions& options)
    : options_(options), directory_("cluster", server_user()) {
  const auto directory = make_directory("primary");
  if (options.own_identity) {
    make_database(directory / "data", options.wal_segment_mb);
  } else {
    run_as_server({"cp", "-a", pristine_database(options.wal_segment_mb), directory / "data"});
  }
  auto server = std::make_unique<Server>("primary", directory, options.tcp);
  server->append_config(common_config + options.config + "\n");
  server->start();
  servers_.push_back(std::move(server));
}

Server& Cluster::add_replica(const ReplicaOptions& options) {
  const auto name =
      options.name.empty() ? "replica" + std::to_string(servers_.size()) : options.name;
  auto& followed = options.follow != nullptr ? *options.follow : primary();
  const auto directory = make_directory(name);
  const auto data = directory / "data";

  copy_database(followed, data, options.slot ? name : "");

  auto server = std::make_unique<Server>(name, directory, options_.tcp);
  // Without fsync: only a crash of the machine could lose what a replica has not synced.
  server->append_config(common_config + options_.config + "\nfsync = off\n");
  server->append_config(
      "recovery_min_apply_delay = " + std::to_string(milliseconds(options.apply_delay)) + "ms\n");
  if (options.slot) server->append_config("primary_slot_name = '" + name + "'\n");
  server->follow(followed);
  server->start();
  servers_.push_back(std::move(server));
  return *servers_.back();
}

void Cluster::copy_again(Server& server, const Server& followed) {
  if (server.running()) server.stop();
  std::stringstream settings;
  settings << std::ifstream(server.data_directory() / "test.conf").rdbuf();
  std::filesystem::remove_all(server.data_directory());
  copy_database(followed, server.data_directory(), "");
  server.append_config(settings.str());
  server.follow(followed);
  server.start();
}

std::filesystem::path Cluster::make_directory(const std::string& name) {
  auto path = directory_.path() / name;
  std::filesystem::create_directory(path);
  give_to(path, server_user());
  return path;
}

}  // namespace tidegate::support
