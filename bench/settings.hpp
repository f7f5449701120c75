// The settings that the user of tidegate-bench chooses.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "tidegate/options.hpp"

namespace tidegate::bench {

struct Settings {
  std::string program;  // this one, for the processes it starts
  std::vector<std::size_t> peers = {1, 4, 16, 32};
  std::vector<std::string> systems;  // empty: all that can take part
  LocalTransport transport = LocalTransport::tcp;
  std::size_t size = 256;      // bytes of a payload
  std::size_t rate = 200;      // paced messages a second
  double seconds = 3;          // of a paced run
  std::size_t burst = 20'000;  // messages of a flood
  double quiet = 5;            // seconds in which idle peers are watched
  std::size_t rounds = 5;
  std::vector<std::size_t> rates = {100, 1000};  // of commits a second, for the gate
  std::vector<std::size_t> lags = {0, 50};       // ms of apply delay of the replica, for the gate
  std::size_t bursts = 2;                        // seconds with a burst each, for the gate
  std::vector<double> speeds = {1, 20};          // at which a build is replayed, for the gate
  std::string trace;                             // the recorded build
  std::string json;                              // a file for all figures; "": none
  std::string plot;                              // a directory for pictures; "": none
};

}  // namespace tidegate::bench
