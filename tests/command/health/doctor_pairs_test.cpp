#include "command/health/doctor_pairs.hpp"

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "tests/lib/samples.hpp"
#include "tests/support/contains.hpp"

using namespace tidegate;
using namespace tidegate::health;
using namespace std::chrono_literals;
using tidegate::testing::contains;
using tidegate::testing::origin;

namespace {

std::string name(int peer) { return "app-" + std::to_string(peer); }
std::string host(int peer) { return "10.0.0." + std::to_string(peer); }
std::string label(int peer) { return name(peer) + " (" + host(peer) + ":17901)"; }
Origin id(int peer) { return origin(static_cast<std::uint8_t>(peer)); }

PairSeen open_way(int to) {
  return {.origin = id(to),
          .name = name(to),
          .host = host(to),
          .publish_port = 17900,
          .direct_port = 17901,
          .state = PeerState::ready,
          .lacks = Handshake::done,
          .last_beacon = Duration(100ms),
          .beacon_came = true,
          .stream_came = true,
          .round_trip = Duration(5ms),
          .large_came = true,
          .clock_ahead = Duration(1ms)};
}

// A survey of app-1, app-2 and so on, asked of app-1; all is well.
class Mesh {
 public:
  explicit Mesh(int peers) {
    for (int peer = 1; peer <= peers; ++peer) {
      MemberSeen member{.origin = id(peer),
                        .name = name(peer),
                        .host = peer == 1 ? "" : host(peer),
                        .direct_port = 17901,
                        .answered = true,
                        .version = "0.1.0"};
      for (int other = 1; other <= peers; ++other) {
        if (other != peer) member.pairs.push_back(open_way(other));
      }
      survey.members.push_back(std::move(member));
    }
  }

  MemberSeen& member(int peer) { return survey.members.at(static_cast<std::size_t>(peer - 1)); }
  PairSeen& way(int from, int to) {
    for (auto& pair : member(from).pairs) {
      if (pair.origin == id(to)) return pair;
    }
    throw std::out_of_range("no such way");
  }
  // The other peer is there, and this one gets no frame from it.
  void block(int from, int to, PortAnswer answer = PortAnswer::no_answer) {
    auto& pair = way(from, to);
    pair.round_trip.reset();
    pair.clock_ahead.reset();
    pair.large_came = pair.stream_came = false;
    pair.direct = pair.publish = answer;
    pair.state = PeerState::heard;
    pair.lacks = Handshake::answer;
  }
  void silence(int peer) {
    auto& seen = member(peer);
    seen.answered = false;
    seen.pairs.clear();
    seen.version.clear();
  }
  void kill(int peer, PortAnswer answer) {
    silence(peer);
    for (std::size_t by = 1; by <= survey.members.size(); ++by) {
      if (static_cast<int>(by) == peer) continue;
      block(static_cast<int>(by), peer, answer);
      auto& pair = way(static_cast<int>(by), peer);
      pair.beacon_came = false;
      pair.state = PeerState::gone;
      pair.silent = 20s;
    }
  }

  [[nodiscard]] std::vector<PairFinding> judge() const {
    return judge_pairs(survey, "default", 17880);
  }
  // "from -> to: what", a line for each.
  [[nodiscard]] std::string text() const {
    std::string all;
    for (const auto& one : judge()) {
      all += (one.verdict == Verdict::warning ? "(" : "") + one.from + " -> " + one.to +
             (one.verdict == Verdict::warning ? ")" : "") + ": " + one.what + "\n";
    }
    return all;
  }

  Survey survey;
};

}  // namespace

TEST_CASE("a mesh where every way is open has no findings, of one member or of many") {
  CHECK(Mesh(1).text().empty());
  CHECK(Mesh(2).text().empty());
  CHECK(Mesh(16).text().empty());
  CHECK(judge_pairs(Survey{}, "default", 17880).empty());
}

TEST_CASE(
    "TCP ports that do not answer are named from the peer that dials to the one that is dialled") {
  Mesh mesh(4);
  mesh.block(2, 3);
  CHECK(mesh.text() == label(2) + " -> " + label(3) +
                           ": TCP port 17901 (direct) and TCP port 17900 (publish): no answer, "
                           "although its beacon is heard (UDP)\n");
  CHECK(contains(mesh.judge()[0].cure, "firewalls"));
}

TEST_CASE("each way in which a port can fail has words of its own") {
  const auto words = [](PortAnswer answer) {
    Mesh mesh(4);
    mesh.way(2, 3).stream_came = false;
    mesh.way(2, 3).publish = answer;
    return mesh.text();
  };
  CHECK(contains(words(PortAnswer::refused), "17900 (publish) is refused: nothing listens"));
  CHECK(contains(words(PortAnswer::silent), "takes connections, and nobody speaks"));
  CHECK(contains(words(PortAnswer::other), "belongs to another program"));
  CHECK(contains(words(PortAnswer::unreachable), "no way leads to its host"));
  CHECK(contains(words(PortAnswer::no_answer), "no answer"));
  // Its stream may begin in a moment.
  CHECK(words(PortAnswer::speaks).empty());
  Mesh mesh(4);
  mesh.block(2, 3, PortAnswer::speaks);
  CHECK(contains(mesh.text(), "no frame comes through"));
}

TEST_CASE(
    "large frames that do not come are named in their direction, against that of the question") {
  Mesh mesh(4);
  mesh.way(2, 3).large_came = false;
  CHECK(mesh.text() ==
        label(3) + " -> " + label(2) + ": small frames come through (TCP), large ones do not\n");
  // The small one has come too late for the large one to follow in time.
  mesh.way(2, 3).round_trip = Duration(2s);
  CHECK(mesh.text().empty());
}

TEST_CASE("a beacon that is not heard counts where no direction is heard and nobody has seeds") {
  Mesh mesh(4);
  mesh.way(2, 3).beacon_came = false;
  mesh.way(2, 3).last_beacon = Duration(12s);
  CHECK(mesh.text() == "(" + label(3) + " -> " + label(2) +
                           "): UDP port 17880: no beacon for 12.0 s, although TCP works\n");
  mesh.way(3, 2).beacon_came = false;
  mesh.way(3, 2).last_beacon.reset();
  CHECK(mesh.judge().size() == 2);
  CHECK(mesh.judge()[0].verdict == Verdict::problem);
  CHECK(contains(mesh.text(), "no beacon has ever come"));
  mesh.member(3).has_seeds = true;
  CHECK(mesh.text().empty());
}

TEST_CASE("one trouble of a peer with all others is one finding, in either direction") {
  Mesh mesh(5);
  for (const int by : {1, 2, 3, 5}) mesh.block(by, 4);
  REQUIRE(mesh.judge().size() == 1);
  CHECK(mesh.judge()[0].from == "every other peer");
  CHECK(mesh.judge()[0].to == label(4));

  Mesh other(5);
  for (const int to : {1, 2, 3, 5}) other.block(4, to);
  REQUIRE(other.judge().size() == 1);
  CHECK(other.judge()[0].from == label(4));
  CHECK(other.judge()[0].to == "every other peer");

  // With all but one: those are named.
  Mesh most(5);
  for (const int by : {1, 2, 3}) most.block(by, 4);
  CHECK(most.judge().size() == 3);
}

TEST_CASE("two members that do not know each other are named, in both directions") {
  Mesh mesh(4);
  std::erase_if(mesh.member(2).pairs, [](const PairSeen& pair) { return pair.origin == id(3); });
  std::erase_if(mesh.member(3).pairs, [](const PairSeen& pair) { return pair.origin == id(2); });
  CHECK(mesh.judge().size() == 2);
  CHECK(contains(mesh.text(), label(2) + " -> " + label(3) + ": it is not known there"));
  CHECK(contains(mesh.text(), label(3) + " -> " + label(2) + ": it is not known there"));
}

TEST_CASE("a process that has died is a warning, and one that answers no more is a problem") {
  Mesh mesh(4);
  mesh.kill(3, PortAnswer::refused);
  CHECK(mesh.text() == "(every other peer -> " + label(3) +
                           "): it was silent for 20.0 s, and nothing listens there\n");
  mesh.kill(3, PortAnswer::silent);
  CHECK(
      contains(mesh.text(), "every other peer -> " + label(3) + ": it was silent for 20.0 s; TCP"));
}

TEST_CASE("an earlier life of a peer that is here again, or that has its address, is no finding") {
  for (const auto& change : std::vector<std::function<void(MemberSeen&)>>{
           [](MemberSeen& dead) { dead.origin.incarnation = 1; },
           [](MemberSeen& dead) { dead.name = name(2); }}) {
    Mesh mesh(4);
    auto dead = mesh.member(3);
    dead.answered = false;
    dead.pairs.clear();
    auto seen = open_way(3);
    if (change) change(dead);
    if (dead.origin == id(3)) dead.origin = id(9);
    seen.origin = dead.origin;
    seen.name = dead.name;
    seen.state = PeerState::gone;
    seen.direct_port = 17999;
    seen.beacon_came = seen.stream_came = seen.large_came = false;
    seen.round_trip.reset();
    mesh.survey.members.push_back(dead);
    mesh.member(1).pairs.push_back(seen);
    CHECK(mesh.text().empty());
  }
}

TEST_CASE("a member of an earlier release answers nothing, and is no problem") {
  Mesh mesh(4);
  mesh.silence(3);
  for (const int by : {1, 2, 4}) {
    auto& pair = mesh.way(by, 3);
    pair.round_trip.reset();
    pair.clock_ahead.reset();
    pair.large_came = false;
    pair.direct = PortAnswer::speaks;
  }
  CHECK(mesh.text() == "(" + label(1) + " -> " + label(3) +
                           "): it does not tell what it sees: an earlier release, which can't, or "
                           "overloaded\n");
}

TEST_CASE("of two clusters the members of the smaller one are named") {
  Mesh mesh(5);
  for (const int peer : {1, 2, 4}) mesh.member(peer).reads = 7;
  mesh.member(3).reads = 8;
  CHECK(
      contains(mesh.text(), label(3) + " -> 3 other members: its database is of another cluster"));
  // One that only commits counts as well.
  mesh.member(3).reads = 7;
  mesh.member(5).announces = 9;
  CHECK(
      contains(mesh.text(), label(5) + " -> 4 other members: its database is of another cluster"));
}

TEST_CASE("versions that differ are a warning") {
  Mesh mesh(4);
  mesh.member(2).version = "0.0.9";
  CHECK(mesh.text() ==
        "(" + label(2) + " -> 3 other members): tidegate 0.0.9, the others have 0.1.0\n");
}

TEST_CASE("the clock that differs from most is named, also when it is that of the asking peer") {
  Mesh mesh(4);
  mesh.way(1, 3).clock_ahead = Duration(1900ms);
  CHECK(mesh.text().empty());
  mesh.way(1, 3).clock_ahead = Duration(-90s);
  CHECK(contains(mesh.text(), "(" + label(3) + " -> 3 other members): its clock is"));
  CHECK(contains(mesh.text(), "behind"));
  for (const int to : {2, 3, 4}) mesh.way(1, to).clock_ahead = Duration(40s);
  CHECK(contains(mesh.text(), "(" + label(1) + " -> 3 other members): its clock is"));
}

TEST_CASE("strangers are named by address, once for all who have refused them") {
  Mesh mesh(4);
  const auto refuse = [&](RefusedSeen::Why why) {
    for (const int by : {1, 2}) {
      mesh.member(by).refused = {{"10.0.0.9", 17903, why, "elsewhere", Duration(1s)}};
    }
    return mesh.text();
  };
  CHECK(refuse(RefusedSeen::Why::other_mesh) ==
        "(10.0.0.9:17903 -> every peer that hears it): it is of the mesh 'elsewhere', and this one "
        "is 'default'\n");
  CHECK(contains(refuse(RefusedSeen::Why::no_key), "10.0.0.9:17903 -> every peer"));
  CHECK(contains(refuse(RefusedSeen::Why::no_key), "has no key"));
  CHECK(contains(refuse(RefusedSeen::Why::other_key), "a key that this peer does not have"));
  CHECK(contains(refuse(RefusedSeen::Why::forged), "was not made with it"));
  CHECK(contains(refuse(RefusedSeen::Why::other_version), "another version of the protocol"));
  // A member was refused before it got the right key.
  mesh.member(2).refused = {{host(3), 17901, RefusedSeen::Why::other_key, "", Duration(9s)}};
  mesh.member(1).refused.clear();
  CHECK(mesh.text().empty());
}

TEST_CASE("a seed where nobody answers is told with the reason and the port that was meant") {
  const auto words = [](SeedSeen seed) {
    Mesh mesh(4);
    seed.unanswered = 5s;
    mesh.member(2).seeds = {std::move(seed)};
    return mesh.text();
  };
  const auto at = host(3) + ":17950";
  const auto seed_at = [&](PortAnswer answer, const std::string& reason = "") {
    return SeedSeen{.seed = at, .tested = {at}, .reason = reason, .answer = answer};
  };
  CHECK(words(seed_at(PortAnswer::refused)) ==
        label(2) + " -> seed " + at +
            ": its port is refused: nothing listens there; the direct "
            "port of " +
            label(3) + " there is 17901\n");
  CHECK(contains(words(seed_at(PortAnswer::speaks)), "speaks, but not to this peer"));
  CHECK(contains(words(seed_at(PortAnswer::speaks, "this is mesh 'b'")), "refuses: this is mesh"));
  CHECK(contains(words(seed_at(PortAnswer::silent)), "nobody speaks"));
  CHECK(contains(words(seed_at(PortAnswer::other)), "another program"));
  CHECK(contains(words(seed_at(PortAnswer::unreachable)), "no way leads"));
  CHECK(contains(words(seed_at(PortAnswer::no_answer)), "does not answer"));
  CHECK(contains(words({.seed = "x:1"}), "no name server has answered"));
  CHECK(contains(words({.seed = "x:1", .reason = "unknown"}), "is not found: unknown"));
  // Its peer may have come a moment ago.
  Mesh mesh(4);
  mesh.member(2).seeds = {{.seed = at, .unanswered = 900ms, .tested = {at}}};
  CHECK(mesh.text().empty());
}
