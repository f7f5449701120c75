#include "tests/sim/profile.hpp"

#include "tests/sim/draws.hpp"

namespace tidegate::sim {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

Profile draw_profile(base::Random& random) {
  Profile profile;
  profile.hosts = one_in(random, 8) ? from_to(random, 6, 12) : from_to(random, 2, 5);
  profile.replicas = one_in(random, 8) ? 0 : from_to(random, 1, 4);
  profile.foreign_cluster = one_in(random, 10);
  profile.chaos = one_in(random, 10) ? random.between(seconds(20), seconds(90))
                                     : random.between(seconds(2), seconds(15));
  // Large meshes publish less: each message is a delivery for each other peer.
  const auto messages = static_cast<std::int64_t>(from_to(random, 50, 3000 / profile.hosts));
  profile.publish_every = profile.chaos / messages;
  profile.fault_every = random.between(milliseconds(30), milliseconds(2000));
  profile.longest_fault = random.between(milliseconds(200), milliseconds(15'000));
  profile.lateness = one_in(random, 3) ? random.between(Duration(0), milliseconds(5)) : Duration(0);
  profile.largest_padding = one_in(random, 4) ? 2000 : 0;
  profile.small_queues = one_in(random, 6);
  for (auto& weight : profile.weights) {
    weight = one_in(random, 2) ? 0 : static_cast<std::uint32_t>(from_to(random, 1, 10));
  }
  return profile;
}

}  // namespace tidegate::sim
