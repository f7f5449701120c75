// By which paths this peer gets the streams of others in datagrams, and what it tells them of that.
//
// 1. A path is offered once its publisher has said Ready, and again, ever more rarely, while no
//    datagram has come: there may be a firewall. A publisher that says Ready once more has given up
//    the path, and gets another one.
// 2. While nothing but probes has come the reader stays subscribed to all parts of the stream. With
//    the first frame it leaves `shared`, until that connection ends or there is no socket for a
//    path.
// 3. A probe and a heartbeat are acknowledged, and each datagram behind which an eighth of the
//    buffer may be full; all else when the publisher asks for it by a heartbeat. So a message costs
//    its reader no timer.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>

#include "lib/base/random.hpp"
#include "lib/mesh/datagram.hpp"
#include "lib/mesh/effects.hpp"
#include "lib/mesh/roster.hpp"
#include "tidegate/origin.hpp"
#include "tidegate/status.hpp"
#include "tidegate/time.hpp"

namespace tidegate::mesh {

class DatagramReceiver {
 public:
  DatagramReceiver(const Origin& self, Roster& roster, base::Random random)
      : self_(self), roster_(roster), random_(random) {}

  // The publisher has said Ready: its stream may come in datagrams.
  void ready(const Member& publisher, Instant now, Effects& effects);
  // Answers the effect OpenPath; without a port: there is no socket to be had.
  void opened(const Origin& publisher, PathId path, const PathSocket& socket, Instant now,
              Effects& effects);
  // The publisher is not to be heard any more.
  void forget(const Origin& publisher, Effects& effects);

  enum class Kind : std::uint8_t { probe, data, heartbeat };
  // False: that path is none of this publisher's.
  bool arrived(Member& publisher, const PathDatagram& datagram, Kind kind, Instant now,
               Effects& effects);

  // Offers and acknowledgements that are due.
  void advance(Instant now, Effects& effects);
  // Every call may change it.
  [[nodiscard]] Instant deadline() const { return deadline_; }

  [[nodiscard]] DatagramState state(const Origin& publisher) const;

 private:
  struct Path {
    PathId id = 0;
    PathSocket socket;
    DatagramAck ack;  // of which the next sequence is filled in when it is sent
    std::uint64_t acked = 0;
    bool asked = false;  // to be acknowledged
    Instant offer_at = never;
    Duration offer_pause{};
  };

  void offer_soon(Path& path, Instant now);
  void offer(const Member& publisher, Path& path, Instant now, Effects& effects);
  void acknowledge(const Member& publisher, Path& path, Effects& effects);
  void wake_at(Instant when) { deadline_ = std::min(deadline_, when); }

  Origin self_;
  Roster& roster_;
  base::Random random_;
  std::map<Origin, Path> paths_;
  Instant deadline_ = never;
};

}  // namespace tidegate::mesh
