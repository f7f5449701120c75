// How fast things went between two looks at a peer.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "tidegate/origin.hpp"
#include "tidegate/status.hpp"
#include "tidegate/time.hpp"

namespace tidegate::command::top {

// Messages a second.
struct Rates {
  double published = 0;
  double received = 0;
  double delivered = 0;
  std::map<Origin, double> of_peers;  // that were here both times, of the stream of each
};

// All 0 where the two are of different lives, or no time has passed.
[[nodiscard]] Rates rates(const Status& before, const Status& after, Duration between);

// "0/s", "0.3/s", "12.3/s", "123/s", "1.2k/s", "1.2M/s".
[[nodiscard]] std::string rate_text(double rate);

}  // namespace tidegate::command::top
