#include "discovery/loopback_probe.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>

#include <poll.h>
#include <sys/random.h>

#include "discovery/beacon.hpp"

namespace tidegate::discovery {

Result<LoopbackProbe> probe_loopback(const std::string& interface, Duration bound) {
  using std::chrono::steady_clock;

  auto beacon = Beacon::open({.interfaces = {interface}, .port = 0});
  if (!beacon) return beacon.error();
  std::array<std::byte, 16> probe{};
  if (getrandom(probe.data(), probe.size(), 0) != static_cast<ssize_t>(probe.size())) {
    return Error{"the kernel gives no random bytes"};
  }
  LoopbackProbe hearing;
  for (const auto& change : beacon->send(probe)) hearing.trouble = change.trouble;
  const auto until = steady_clock::now() + bound;
  while (!hearing.multicast || !hearing.broadcast) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - steady_clock::now());
    if (left.count() <= 0) break;
    pollfd readable{beacon->descriptor(), POLLIN, 0};
    if (poll(&readable, 1, static_cast<int>(left.count())) <= 0) continue;
    const auto heard = beacon->receive();
    if (!heard ||
        !std::equal(probe.begin(), probe.end(), heard->bytes().begin(), heard->bytes().end())) {
      continue;
    }
    (heard->path == BeaconPath::multicast ? hearing.multicast : hearing.broadcast) = true;
  }
  return hearing;
}

}  // namespace tidegate::discovery
