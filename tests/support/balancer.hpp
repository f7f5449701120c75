// A balancer in front of private servers: each new connection goes to the server to which it leads
// at that moment, and stays there. It hands on bytes and understands none, so that a session
// through it can do what one without it can, replication included.
#pragma once

#include <filesystem>
#include <mutex>
#include <string>
#include <thread>

#include "peer/io/descriptor.hpp"
#include "support/server.hpp"
#include "support/temporary_directory.hpp"

namespace tidegate::testing {

class Balancer {
 public:
  explicit Balancer(const support::Server& server);
  Balancer(const Balancer&) = delete;
  Balancer& operator=(const Balancer&) = delete;
  ~Balancer();  // cuts all connections

  // For connections that are opened when this has returned.
  void lead_to(const support::Server& server);

  [[nodiscard]] std::string connection_string() const;

 private:
  void run();

  support::TemporaryDirectory directory_{"balancer"};
  std::mutex mutex_;
  std::filesystem::path target_;  // the socket of the server
  io::Descriptor listener_;
  io::Descriptor end_;  // readable: it is over
  std::thread thread_;
};

}  // namespace tidegate::testing
