// The three servers: at any time one is the primary and the others are its replicas, or it is down
// and one of them is about to take over.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "support/cluster.hpp"
#include "tests/soak/settings.hpp"

namespace tidegate::soak {

class Servers {
 public:
  Servers();

  [[nodiscard]] support::Server& at(int server) {
    return *all_.at(static_cast<std::size_t>(server));
  }
  // For people: "server-2", since what it is called itself is the part that it began with.
  [[nodiscard]] static std::string name(int server) {
    return "server-" + std::to_string(server + 1);
  }
  [[nodiscard]] int primary() const { return primary_; }
  // One of the two that are no primary: 0 or 1.
  [[nodiscard]] int replica(int which) const { return (primary_ + 1 + which) % server_count; }

  // For libpq: whichever of them is the primary.
  [[nodiscard]] std::string whichever() const;

  // Its replicas get nothing any more; it can only be killed after that.
  void isolate_primary();

  // The primary is down: `heir` takes over, the other replica follows it, and the old primary, with
  // all that only it had, is thrown away for a copy. A server that had received more than the heir
  // can't follow it either, and is copied too; then that one is returned.
  std::optional<int> replace_primary(int heir);

  // Names of all announced rows that are there, on the primary.
  [[nodiscard]] std::vector<support::Row> rows();

  // How each of them stands, a line each.
  [[nodiscard]] std::string standing();
  // Copies their logs.
  void keep_logs(const std::filesystem::path& directory) const;

 private:
  support::Cluster cluster_;
  std::vector<support::Server*> all_;
  int primary_ = 0;
};

}  // namespace tidegate::soak
