// A pooler (pgbouncer) in front of private servers. In transaction mode each transaction on one of
// its connections may go to another backend, and, once it leads to another server, to that one.
#pragma once

#include <optional>
#include <string>

#include "support/process.hpp"
#include "support/server.hpp"
#include "support/temporary_directory.hpp"

namespace tidegate::testing {

class Pooler {
 public:
  // Returns when it leads to the server. Throws when there is no pgbouncer. `config`: more lines of
  // its configuration. It connects to the server as `user`.
  explicit Pooler(const support::Server& server, std::string config = "pool_mode = transaction\n",
                  std::string user = "postgres");

  // New transactions go there when this returns. One that is open goes on where it is; who holds
  // the connection is told nothing.
  void lead_to(const support::Server& server);

  [[nodiscard]] std::string connection_string() const;

 private:
  void write_configuration(const support::Server& server) const;
  void await(const support::Server& server) const;

  support::TemporaryDirectory directory_;
  std::string config_;
  std::string user_;
  std::optional<support::Process> process_;
};

}  // namespace tidegate::testing
