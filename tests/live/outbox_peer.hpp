// A peer that reads the outbox of a standby for its clients: STOMP clients, and the writer of its
// standard input.
#pragma once

#include <csignal>
#include <optional>
#include <string>

#include "peer/servers/postgres/outbox_schema.hpp"
#include "support/cluster.hpp"
#include "tests/live/command_mesh.hpp"

namespace tidegate::testing {

struct OutboxPeer {
  OutboxPeer() {
    primary.execute(postgres::outbox_schema({}));
    start();
  }

  void start() { start_on(standby, primary); }
  void start_on(support::Server& reads, support::Server& writes) {
    peer.emplace(mesh.start({"peer", "--name", "app", "--door", "unix:" + door(), "--state-file",
                             state(), "--database", reads.connection_string(), "--primary",
                             writes.connection_string()}));
  }
  void kill() {
    peer->send(SIGKILL);
    (void)ended(*peer);
  }
  // One transaction each, with one of another topic in between.
  void announce(int first, int last) {
    for (int i = first; i <= last; ++i) {
      const auto text = std::to_string(i);
      primary.execute("SELECT tidegate.announce('other', ''); SELECT tidegate.announce('jobs/" +
                      text + "', '" + text + "', '{\"kind\": \"k\"}')");
    }
  }
  // Some at once, each with so many bytes.
  void announce_large(int count, int bytes) {
    primary.execute("SELECT tidegate.announce('jobs/x', repeat('x', " + std::to_string(bytes) +
                    ")) FROM generate_series(1, " + std::to_string(count) + ")");
  }

  [[nodiscard]] std::string door() const { return (mesh.directory() / "door").string(); }
  [[nodiscard]] std::string state() const { return (mesh.directory() / "state").string(); }

  CommandMesh mesh;
  support::Cluster cluster;
  support::Server& primary = cluster.primary();
  support::Server& standby = cluster.add_replica();
  std::optional<support::Process> peer;
};

}  // namespace tidegate::testing
