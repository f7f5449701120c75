// The processes of the peers: one for each, of which one life follows another.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "tests/soak/history.hpp"
#include "tests/soak/network.hpp"
#include "tests/soak/servers.hpp"
#include "tests/soak/settings.hpp"
#include "tests/support/process.hpp"

namespace tidegate::soak {

class Crew {
 public:
  // `program` is this program. `network`: nullptr where all are on the loopback interface. All of
  // these must live as long as the crew.
  Crew(std::string program, const Settings& settings, std::filesystem::path directory,
       Servers& servers, const Network* network, History& history);

  void start(int peer);
  void kill(int peer);
  void stop(int peer) { process(peer).send(SIGSTOP); }
  void resume(int peer) { process(peer).send(SIGCONT); }

  // Nobody writes any more.
  void quiet();
  // All leave. Throws when one does not.
  void dismiss();

  // Throws when one has ended by itself, with what it said last.
  void check();

 private:
  struct Place {
    int lives = 0;
    std::optional<testing::Process> process;  // none: it was killed
    std::filesystem::path log;                // of its last life
  };

  [[nodiscard]] Place& place(int peer) { return places_.at(static_cast<std::size_t>(peer)); }
  [[nodiscard]] testing::Process& process(int peer) { return place(peer).process.value(); }
  [[noreturn]] static void close_streams_of_departed(int peer, Place& place, int status);

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
