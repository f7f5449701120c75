// A reader of a PostgreSQL server's replay, turned by a test that asks and waits.
#pragma once

#include <string>

#include "peer/servers/postgres/replay_reader.hpp"
#include "tests/support/turning.hpp"

namespace tidegate::testing {

class ReplayWatcher : public Turning<servers::ReplayReader, gate::ServerEvent> {
 public:
  explicit ReplayWatcher(const std::string& connection_string,
                         postgres::Database::Timeouts timeouts = {})
      : Turning(postgres::open_replay_reader(connection_string, timeouts)) {}

  // The next thing that happens must be a reading; or what else happens is passed over.
  Tide next_tide() { return next<gate::ReplayPositionRead>().tide.value(); }
  Tide await_tide() { return await<gate::ReplayPositionRead>().tide.value(); }

  // Reads once.
  Tide read() {
    (*this)->read(current_time());
    return next_tide();
  }
};

}  // namespace tidegate::testing
