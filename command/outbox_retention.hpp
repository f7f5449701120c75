// Removes old rows of an outbox while a peer runs: asks the primary now and then to remove a slice,
// and at once for the next one as long as there is more. Of all peers that do so one works at a
// time (outbox.sql), and every one takes over when another ends.
//
// It waits in the reactor, on a connection of its own: a slice must not delay a position.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "command/log_digest.hpp"
#include "command/outbox_removal.hpp"
#include "peer/io/reactor.hpp"
#include "peer/servers/postgres/connection.hpp"
#include "tidegate/result.hpp"
#include "tidegate/time.hpp"

namespace spdlog {
class logger;
}

namespace tidegate::command {

struct OutboxBounds {
  Duration age{};         // zero: no such bound
  std::size_t bytes = 0;  // as the rows are stored; 0: no such bound
};

class OutboxRetention {
 public:
  // Refuses a connection string that libpq can't read. The reactor and the log outlive it.
  static Result<std::unique_ptr<OutboxRetention>> open(const std::string& server,
                                                       OutboxBounds bounds, io::Reactor& reactor,
                                                       spdlog::logger& log);

  [[nodiscard]] const OutboxRemoval& removal() const { return removal_; }

 private:
  OutboxRetention(postgres::Database database, OutboxBounds bounds, io::Reactor& reactor,
                  spdlog::logger& log);

  void turn();
  void answered(const postgres::Database::Answer& answer, Instant now);
  void failed(const std::string& why, Instant now);

  postgres::Database database_;
  std::string question_;
  spdlog::logger& log_;
  LogDigest digest_;
  OutboxRemoval removal_;
  Instant ask_at_ = Instant::min();
  Instant asked_at_{};
  io::Reactor::Watch watch_;
  io::Reactor::Timer timer_;
};

}  // namespace tidegate::command
