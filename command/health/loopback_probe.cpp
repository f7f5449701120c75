#include "command/health/loopback_probe.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>

#include <sys/random.h>

#include "discovery/beacon.hpp"
#include "peer/io/clock.hpp"
#include "peer/io/reactor.hpp"

namespace tidegate::health {

Result<LoopbackProbe> probe_loopback(const std::string& interface, Duration bound) {
  auto beacon = discovery::Beacon::open({.interfaces = {interface}, .port = 0});
  if (!beacon) return beacon.error();
  std::array<std::byte, 16> probe{};
  if (getrandom(probe.data(), probe.size(), 0) != static_cast<ssize_t>(probe.size())) {
    return Error{"the kernel gives no random bytes"};
  }
  LoopbackProbe hearing;
  for (const auto& change : beacon->send(probe)) hearing.trouble = change.trouble;
  io::Reactor reactor;
  const auto watch = reactor.watch_input(beacon->descriptor(), [&](io::Readiness) {
    const auto heard = beacon->receive();
    if (!heard ||
        !std::equal(probe.begin(), probe.end(), heard->bytes().begin(), heard->bytes().end())) {
      return;
    }
    (heard->path == discovery::BeaconPath::multicast ? hearing.multicast : hearing.broadcast) =
        true;
  });
  const auto end = io::clock_now() + bound;
  while (!hearing.multicast || !hearing.broadcast) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - io::clock_now());
    if (left.count() <= 0) break;
    reactor.run_once(left);
  }
  return hearing;
}

}  // namespace tidegate::health
