// A server of somebody else's for one run: our child, on a port that only this machine reaches,
// with what it writes in a directory that goes with the run.
//
// It is killed at the end, not asked to leave: nothing that it knows is needed again.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "bench/carrier.hpp"
#include "support/process.hpp"

namespace tidegate::bench {

class LoopbackServer : public Broker {
 public:
  // `port`: that the command makes it listen on. Returns when it answers; throws with the end of
  // its log when it does not.
  LoopbackServer(const std::filesystem::path& directory, support::Command command,
                 std::uint16_t port);

  // The port.
  [[nodiscard]] std::string address() const override { return std::to_string(port_); }

 private:
  std::uint16_t port_;
  support::Process process_;
};

}  // namespace tidegate::bench
