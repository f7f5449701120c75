// The processes of the peers: one for each, of which one life follows another.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "support/worker.hpp"
#include "tests/soak/history.hpp"
#include "tests/soak/network.hpp"
#include "tests/soak/servers.hpp"
#include "tests/soak/settings.hpp"

namespace tidegate::soak {

class PeerProcesses {
 public:
  // `program` is this program. `network`: nullptr where all are on the loopback interface. All of
  // these must live as long as this.
  PeerProcesses(std::string program, const Settings& settings, std::filesystem::path directory,
                Servers& servers, const Network* network, History& history);

  void start(int peer);
  void kill(int peer);
  void stop(int peer) { worker(peer).process().send(SIGSTOP); }
  void resume(int peer) { worker(peer).process().send(SIGCONT); }

  // Nobody writes any more.
  void quiet();
  // All leave. Throws when one does not.
  void dismiss();

  // Throws when one has ended by itself, with what it said last.
  void check();

 private:
  struct Place {
    int lives = 0;
    std::optional<support::Worker> worker;  // none: it was killed
  };

  [[nodiscard]] Place& place(int peer) { return places_.at(static_cast<std::size_t>(peer)); }
  [[nodiscard]] support::Worker& worker(int peer) { return place(peer).worker.value(); }

  std::string program_;
  Settings settings_;
  std::filesystem::path directory_;
  Servers& servers_;
  const Network* network_;
  History& history_;
  std::string mesh_;
  std::uint16_t beacon_port_;
  std::vector<Place> places_;
};

}  // namespace tidegate::soak
