// A reader of a primary's commit positions, turned by a test that asks and waits.
#pragma once

#include <string>

#include "peer/servers/postgres/commit_position_reader.hpp"
#include "tests/support/turning.hpp"

namespace tidegate::testing {

class PositionAsker : public Turning<servers::CommitPositionReader, gate::ServerEvent> {
 public:
  explicit PositionAsker(const std::string& connection_string,
                         postgres::Database::Timeouts timeouts = {},
                         base::Random random = base::Random(1))
      : Turning(postgres::open_commit_position_reader(connection_string, timeouts, random)) {}

  // The next thing that happens must be the answer.
  gate::CommitPosition ask() {
    (*this)->query(current_time());
    return next<gate::CommitPositionRead>().reading;
  }
  gate::CommitPosition nudge() {
    (*this)->nudge(current_time());
    return next<gate::CommitPositionRead>().reading;
  }
};

}  // namespace tidegate::testing
