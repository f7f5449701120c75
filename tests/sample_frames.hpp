// One frame of each kind.
#pragma once

#include <string>
#include <vector>

#include "lib/frame.hpp"
#include "tests/samples.hpp"

namespace tidegate::testing {

inline const Card sample_card{origin(1), "default", "master-1", 17900, 17901};

inline std::vector<Frame> one_of_each() {
  return {
      Hello{sample_card},
      Welcome{sample_card},
      Refusal{"another mesh"},
      Ready{origin(1), origin(2), 3, 7},
      Listening{origin(2), origin(1)},
      Data{
          origin(1), 3, {message("a/b", "x"), message("c", std::string(300, '\0'), "2:0/3000060")}},
      Request{origin(1), 3, 9},
      Kept{origin(1), 4},
      Probe{origin(1), origin(2)},
      Vouch{origin(2)},
      Heartbeat{origin(1), 1, 0, std::nullopt},
      Heartbeat{origin(1), 5, 9, Position{7, 2, Lsn{0x3000060}}},
      Farewell{origin(1), 9},
  };
}

}  // namespace tidegate::testing
