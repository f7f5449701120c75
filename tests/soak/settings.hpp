// The settings of a run that a user may choose, and those that follow from them.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string>

#include "tidegate/time.hpp"

namespace tidegate::soak {

struct Settings {
  double minutes = 1;  // with faults; making servers and settling come in addition
  std::uint64_t seed = 1;
  int peers = 8;
  std::string records;  // a directory that gets what was recorded; "": none does

  [[nodiscard]] Duration length() const {
    return std::chrono::duration_cast<Duration>(
        std::chrono::duration<double, std::ratio<60>>(minutes));
  }
  // A fault takes no longer than this part of the run.
  [[nodiscard]] Duration longest_fault() const { return length() / 4; }
};

inline constexpr int server_count = 3;
inline constexpr int most_writers = 4;
inline constexpr int most_peers = 64;

// Half of the peers write, but no more than four.
[[nodiscard]] inline bool writes(int peer, const Settings& settings) {
  return peer < std::min(most_writers, (settings.peers + 1) / 2);
}

// Which of the servers a peer reads: so every server has writers and readers.
[[nodiscard]] inline int server_of(int peer) { return peer % server_count; }

[[nodiscard]] inline std::string peer_name(int peer) { return "peer-" + std::to_string(peer + 1); }

}  // namespace tidegate::soak
