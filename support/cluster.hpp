// A private PostgreSQL cluster: a primary and any number of streaming replicas, on Unix sockets in
// a temporary directory. It comes up in about a second and is gone with the object.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "support/server.hpp"
#include "support/temporary_directory.hpp"
#include "tidegate/time.hpp"

namespace tidegate::support {

struct ClusterOptions {
  bool tcp = false;         // the servers listen on 127.0.0.1 too
  int wal_segment_mb = 1;   // a power of two
  std::string config = {};  // more lines of configuration, for all servers
  // The clusters of one program are copies of one database, and so have the same system
  // identifier. With this it is made anew (a second more) and has an identifier of its own.
  bool own_identity = false;
};

struct ReplicaOptions {
  std::string name = {};  // its application_name too; "": replica1, replica2 and so on
  Duration apply_delay = Duration::zero();  // recovery_min_apply_delay, rounded to milliseconds
  Server* follow = nullptr;                 // where it receives from; nullptr: the primary
  bool slot = false;                        // what it follows keeps the WAL that it has not got yet
};

class Cluster {
 public:
  explicit Cluster(const ClusterOptions& options = {});
  Cluster(const Cluster&) = delete;
  Cluster& operator=(const Cluster&) = delete;

  [[nodiscard]] Server& primary() { return *servers_.front(); }

  // Copies the followed server, which must be running, and returns when the replica answers
  // queries. The reference is valid as long as the cluster.
  Server& add_replica(const ReplicaOptions& options = {});

  // Makes one of its servers a replica of another, which must be running: ends it if it runs,
  // throws its database away for a copy of the other's, and returns when it answers queries.
  static void copy_again(Server& server, const Server& followed);

  [[nodiscard]] const std::filesystem::path& directory() const { return directory_.path(); }

 private:
  std::filesystem::path make_directory(const std::string& name);

  ClusterOptions options_;
  TemporaryDirectory directory_;
  std::vector<std::unique_ptr<Server>> servers_;  // the first one was made as the primary
};

}  // namespace tidegate::support
