// Surveys the mesh: asks all members to test their ways to each other, and answers those who ask.
//
// 1. All test at the same time, so that each hears the beacons that the others send for it.
// 2. A question joins tests that are under way: however many ask, a peer tests one way once in that
//    time. Of those who ask at once there are few, and the others get no answer.
// 3. A member that does not answer within `patience` has not answered: it is cut off, overloaded,
//    or of an earlier release.
// 4. Members are believed about peers that this one does not know, as long as those are few: one
//    that names thousands would cost whoever judges them.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "lib/base/random.hpp"
#include "lib/mesh/frame.hpp"
#include "lib/mesh/roster.hpp"
#include "lib/node/event.hpp"
#include "lib/node/path_tests.hpp"
#include "lib/node/refusals.hpp"
#include "tidegate/survey.hpp"
#include "tidegate/time.hpp"

namespace tidegate::node {

class Surveyor {
 public:
  static constexpr Duration patience = PathTests::longest + std::chrono::milliseconds(900);

  // `self` outlives this.
  Surveyor(const mesh::PeerInfo& self, mesh::Roster& roster, base::Random random)
      : self_(self), roster_(roster), tests_(self.origin, roster, random) {}

  // The application asks. A survey that is under way serves it, too.
  void ask(Instant now, Effects& effects);
  // Of a member that the roster has let in.
  void answered(const mesh::Member& member, mesh::SurveyAnswer& answer);

  // Another member asks, behind that route.
  void asked(const mesh::SurveyQuestion& question, const mesh::RoutingId& route, Instant now,
             Effects& effects);

  // Answers to the tests of this peer.
  bool path_answered(mesh::LinkId link, const mesh::PathAnswer& answer, Instant now,
                     Effects& effects) {
    return tests_.answered(link, answer, clock(now), now, effects);
  }
  void tested(const base::Endpoint& endpoint, PortAnswer answer) {
    tests_.tested(endpoint, answer);
  }
  // And those of others.
  [[nodiscard]] mesh::PathAnswer answer(const mesh::PathQuestion& question, Instant now) const;

  void refused(std::string host, std::uint16_t direct_port, RefusedSeen::Why why,
               std::string detail, Instant now) {
    refusals_.add(std::move(host), direct_port, why, std::move(detail), now);
  }
  void refused_left(const std::string& host, std::uint16_t direct_port) {
    refusals_.forget(host, direct_port);
  }

  // The clusters of the servers that this peer reads and commits at, as they last introduced
  // themselves.
  void reads(ClusterId cluster) { reads_ = cluster; }
  void announces(ClusterId cluster) { announces_ = cluster; }

  // The time of day at the instant 0, as it was last read.
  void set_clock(Duration of_zero) { clock_of_zero_ = of_zero; }

  void advance(Instant now, Effects& effects);
  [[nodiscard]] bool take_beacon_due(Instant now) { return tests_.take_beacon_due(now); }

  // When advance() or take_beacon_due() may next have something to do. Every call may change it.
  [[nodiscard]] Instant deadline() const {
    return std::min(tests_.deadline(), survey_ ? survey_->until : never);
  }

 private:
  struct Asker {
    mesh::RoutingId route;
    std::uint64_t number = 0;
  };
  // That this peer has asked for.
  struct Asked {
    std::uint64_t number = 0;
    Instant begun;
    Instant until;
    std::optional<MemberSeen> own = {};
    std::map<Origin, MemberSeen> members = {};
    std::set<Origin> others = {};  // that only members know
    std::size_t left_out = 0;

    [[nodiscard]] bool complete() const;
  };

  [[nodiscard]] bool may_be_named(const Origin& origin);
  [[nodiscard]] std::int64_t clock(Instant now) const;
  [[nodiscard]] MemberSeen describe(Instant now) const;
  void finish(Instant now, Effects& effects);

  const mesh::PeerInfo& self_;
  mesh::Roster& roster_;
  PathTests tests_;
  Refusals refusals_;
  std::vector<Asker> askers_;
  std::optional<Asked> survey_;
  std::uint64_t last_number_ = 0;
  ClusterId reads_ = 0;
  ClusterId announces_ = 0;
  Duration clock_of_zero_{};
};

}  // namespace tidegate::node
