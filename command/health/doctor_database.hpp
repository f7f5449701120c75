// The questions of `tidegate doctor` to a PostgreSQL server. Facts only; doctor.cpp judges them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "peer/servers/postgres/connection.hpp"
#include "peer/servers/postgres/server_sql.hpp"
#include "peer/servers/postgres/sql_question.hpp"
#include "tidegate/lsn.hpp"
#include "tidegate/result.hpp"

namespace tidegate::health {

using postgres::ServerTrouble;

struct ServerFacts {
  postgres::Introduction server;
  std::string connected_to;  // "host port", as libpq sees it
  std::string own_address;   // as the server sees itself; empty on a Unix socket
  bool pooled = false;       // a pooler speaks for it

  // Two connections one after the other; another instance on the second one means that a balancer
  // chooses the server.
  ServerIncarnation second_instance;
  std::string second_description;

  // Replication commands: whether they work, and why not.
  bool replication = false;
  std::string replication_refusal;  // SQLSTATE; empty when the server did not say one
  std::string replication_words;
  TimelineId timeline = 0;  // 0: not known without replication commands

  int max_wal_senders = 0;
  int wal_senders = 0;  // in use

  Lsn lsn;  // replayed, on a primary written; without page header
  bool replay_paused = false;
  bool receiving = false;          // a standby has a WAL receiver
  std::string synchronous_commit;  // the default of new sessions of this role
  int subscriptions = 0;           // of logical replication

  bool has_outbox = false;                   // a schema of its name
  std::vector<std::string> outbox_problems;  // one line each
};

// Connects twice and asks. Blocks, no longer than about twice the timeouts.
[[nodiscard]] Result<ServerFacts, ServerTrouble> examine_server(
    const std::string& connection_string, postgres::Database::Timeouts timeouts);

}  // namespace tidegate::health
