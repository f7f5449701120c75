// Shared by the live tests of failovers: rows of the table `t`, and whichever server is the
// primary.
#pragma once

#include <chrono>
#include <string>

#include <doctest/doctest.h>

#include "support/cluster.hpp"
#include "support/eventually.hpp"
#include "support/server.hpp"

namespace tidegate::testing {

// The primary among them, asked in this order.
inline std::string either(const support::Server& a, const support::Server& b) {
  return "host=" + a.socket_directory().string() + "," + b.socket_directory().string() +
         " port=5432 user=postgres dbname=postgres target_session_attrs=primary";
}

// Waits for the table on a replica.
inline bool has_table(support::Server& server) {
  return support::eventually(std::chrono::seconds(10), [&] {
    return server.value("SELECT count(*) FROM pg_class WHERE relname = 't'") == "1";
  });
}

inline std::string insert(int row) { return "INSERT INTO t VALUES (" + std::to_string(row) + ")"; }

inline bool has_row(support::Server& server, int row) {
  return server.value("SELECT count(*) FROM t WHERE i = " + std::to_string(row)) == "1";
}

// Writes so much that every position of another branch looks replayed.
inline void run_ahead(support::Server& server) {
  server.execute("INSERT INTO t SELECT generate_series(1000, 20000)");
}

// Two replicas that have the table become primaries of one timeline number, each with a branch of
// its own.
inline void promote_apart(support::Cluster& cluster, support::Server& one, support::Server& other) {
  cluster.primary().execute("CREATE TABLE t (i int)");
  REQUIRE(has_table(one));
  REQUIRE(has_table(other));
  cluster.primary().crash();
  one.promote();
  other.promote();
}

}  // namespace tidegate::testing
