// One frame of each kind.
#pragma once

#include <string>
#include <vector>

#include "lib/mesh/frame.hpp"
#include "tests/lib/samples.hpp"

namespace tidegate::testing {

inline const mesh::PeerInfo sample_card{origin(1), "default", "master-1", 17900, 17901};

inline std::vector<mesh::Frame> one_of_each() {
  return {
      mesh::Hello{sample_card},
      mesh::Welcome{sample_card},
      mesh::Refusal{"another mesh"},
      mesh::Ready{origin(1), origin(2), 3, 7},
      mesh::Listening{origin(2), origin(1)},
      mesh::Data{origin(1),
                 3,
                 {a_message("a/b", "x"), a_message("c", std::string(300, '\0'), "2:0/3000060")}},
      mesh::RetransmitRequest{origin(1), 3, 9},
      mesh::Retained{origin(1), 4},
      mesh::Probe{origin(1), origin(2)},
      mesh::Vouch{origin(2)},
      mesh::Heartbeat{origin(1), 1, 0, std::nullopt},
      mesh::Heartbeat{origin(1), 5, 9, Position{7, 2, Lsn{0x3000060}}},
      mesh::Farewell{origin(1), 9},
  };
}

}  // namespace tidegate::testing
