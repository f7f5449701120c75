// Tests the ways from this peer to all others, at once and in the open: beacons, the two TCP ports,
// and whether large frames pass. The outcome is told to whoever asked (surveyor.hpp).
//
// 1. Each peer is asked over a connection of its own, so that the test shows what a newcomer would
//    meet, and a large frame that is stuck on its way holds up no other.
// 2. A port is dialled bare only where no frame has come through it meanwhile: such a connection
//    counts as a stranger's at the other end, and a healthy mesh has none.
// 3. The large frame travels towards the asking peer. As each asks each other, both directions are
//    tried, and no peer has to take large frames from callers. It is asked for once the small one
//    is here: sent together they share their packets, and are lost together.
// 4. Beacons are sent three times, each a little later by chance: datagrams get lost, and all
//    members send theirs now. Also when these tests are over, since those of others may not be.
// 5. The tests are over when nothing is left to wait for, or after `longest`.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "lib/base/random.hpp"
#include "lib/mesh/roster.hpp"
#include "lib/mesh/survey_frames.hpp"
#include "lib/node/event.hpp"
#include "tidegate/survey.hpp"
#include "tidegate/time.hpp"

namespace tidegate::node {

// One that has said farewell is not tested, nor one that has been silent for long.
[[nodiscard]] bool may_be_reached(const mesh::Member& member, Instant now);

class PathTests {
 public:
  static constexpr Duration longest = std::chrono::milliseconds(2400);

  PathTests(const Origin& self, mesh::Roster& roster, base::Random random)
      : self_(self), roster_(roster), random_(random) {}

  // Those that are under way go on.
  void begin(Instant now, Effects& effects);
  [[nodiscard]] bool under_way() const { return end_ != never; }

  // `clock`: of this peer, in microseconds since 1970. False: not on a link of these tests.
  bool answered(mesh::LinkId link, const mesh::PathAnswer& answer, std::int64_t clock, Instant now,
                Effects& effects);
  void tested(const base::Endpoint& endpoint, PortAnswer answer);

  // True once they are over: then describe() and end().
  [[nodiscard]] bool advance(Instant now, Effects& effects);
  void describe(MemberSeen& told, Instant now) const;
  void end(Effects& effects);

  // An announcement is due, and the caller sends one.
  [[nodiscard]] bool take_beacon_due(Instant now);

  // When advance() or take_beacon_due() may next have something to do. Every call may change it.
  [[nodiscard]] Instant deadline() const;

 private:
  struct Path {
    Origin origin;
    mesh::LinkId link = 0;
    base::Endpoint direct;
    base::Endpoint publish;
    std::optional<Duration> round_trip = {};
    bool large_came = false;
    std::optional<Duration> clock_ahead = {};
  };

  void test_port(const base::Endpoint& endpoint, Effects& effects);
  void test_seeds(Instant now, Effects& effects);
  [[nodiscard]] PortAnswer answer_of(const base::Endpoint& endpoint) const;
  [[nodiscard]] bool came(Instant when) const { return when >= begun_; }
  [[nodiscard]] bool well(const Path& path) const;
  [[nodiscard]] PairSeen seen(const Path& path, const mesh::Member& member, Instant now) const;

  Origin self_;
  mesh::Roster& roster_;
  base::Random random_;
  std::vector<Path> paths_;
  std::map<std::string, PortAnswer> ports_;  // that were dialled, by their endpoint
  std::vector<Instant> beacons_;             // that are due, the next one last
  Instant begun_ = never;
  Instant direct_at_ = never;   // dials direct ports that have not answered
  Instant publish_at_ = never;  // dials publish ports from which nothing has come
  Instant end_ = never;
};

}  // namespace tidegate::node
