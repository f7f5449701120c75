// Surveys of the mesh in virtual time: this peer's tests of its ways, the answers to others, and
// what it has asked for itself.
#include "lib/node/surveyor.hpp"

#include <string>

#include <doctest/doctest.h>

#include "tests/lib/node/node_harness.hpp"
#include "tests/support/contains.hpp"

using namespace tidegate;
using namespace tidegate::testing;
using namespace tidegate::node;
using namespace std::chrono_literals;

namespace {

const auto b = origin(2);
const auto c = origin(3);

// b and c are ready, behind the links 1 and 2.
struct Harness : NodeHarness {
  Harness() {
    befriend(b, "b");
    befriend(c, "c");
    wait(1ms);  // what came so far was before the survey
  }

  // All that a peer does that is well: a beacon, a word on its stream, and both answers.
  void answers(const Origin& peer, const std::string& host, mesh::LinkId test) {
    beacon(peer, host);
    step(input::FromStream{peer, mesh::Heartbeat{peer, 1, 0, std::nullopt}});
    step(input::FromLink{test, mesh::PathAnswer{peer, 0, false}});
    step(input::FromLink{test, mesh::PathAnswer{peer, 0, true}});
  }
  void beacon(const Origin& peer, const std::string& host) {
    step(input::Heard{{"default", peer, 10, 20, false, false, ++counter_}, host});
  }
  Survey surveyed() {
    const auto told = all<effect::Surveyed>();
    REQUIRE(told.size() == 1);
    return told[0].survey;
  }

 private:
  std::uint64_t counter_ = 100;
};

}  // namespace

TEST_CASE(
    "a survey asks every member, tests each over a connection of its own, and is over at once") {
  Harness a;
  CHECK(a.step(input::SurveyMesh{}) ==
        "link 1: SurveyQuestion 1, link 2: SurveyQuestion 1, dial 3 b:20, link 3: PathQuestion, "
        "dial 4 c:20, link 4: PathQuestion");
  a.answers(b, "b", 3);
  a.step(input::FromLink{1, mesh::SurveyAnswer{1, {.origin = b, .version = "1"}}});
  a.step(input::FromLink{2, mesh::SurveyAnswer{1, {.origin = c, .version = "2"}}});
  a.beacon(c, "c");
  a.step(input::FromStream{c, mesh::Heartbeat{c, 1, 0, std::nullopt}});
  CHECK(a.step(input::FromLink{4, mesh::PathAnswer{c, 0, false}}) == "link 4: large PathQuestion");
  CHECK(a.step(input::FromLink{4, mesh::PathAnswer{c, 0, true}}) ==
        "undial 3, undial 4, surveyed 3");
  const auto survey = a.surveyed();
  REQUIRE(survey.members.size() == 3);
  CHECK(survey.members[0].pairs.size() == 2);
  CHECK(survey.members[1].name == "b");
  CHECK(survey.members[1].version == "1");
  CHECK(survey.members[2].host == "c");
  for (const auto& pair : survey.members[0].pairs) {
    CHECK(pair.beacon_came);
    CHECK(pair.stream_came);
    CHECK(pair.round_trip.has_value());
    CHECK(pair.large_came);
    CHECK(pair.direct == PortAnswer::untested);
  }
}

TEST_CASE("a member that does not answer is waited for no longer than the patience, and named") {
  Harness a;
  a.step(input::SurveyMesh{});
  a.answers(b, "b", 3);
  a.step(input::FromLink{1, mesh::SurveyAnswer{1, {.origin = b, .answered = true}}});
  CHECK(a.wait(Surveyor::patience - 1ms).find("surveyed") == std::string::npos);
  a.wait(1ms);
  const auto survey = a.surveyed();
  REQUIRE(survey.members.size() == 3);
  CHECK(survey.members[1].answered);
  CHECK_FALSE(survey.members[2].answered);
  CHECK(survey.members[2].name == "c");
}

TEST_CASE("ports are dialled bare only where no frame has come through them") {
  Harness a;
  a.step(input::SurveyMesh{});
  a.answers(b, "b", 3);
  const auto text = a.wait(2s);
  CHECK(text.find("test c:20") != std::string::npos);
  CHECK(text.find("test c:10") != std::string::npos);
  CHECK(text.find("test b:") == std::string::npos);
  a.step(input::PortTested{{"c", 20}, PortAnswer::refused});
  a.step(input::PortTested{{"c", 10}, PortAnswer::silent});
  a.step(input::PortTested{{"d", 10}, PortAnswer::other});  // nobody has asked
  a.wait(2s);
  const auto pair = a.surveyed().members[0].pairs[1];
  CHECK(pair.direct == PortAnswer::refused);
  CHECK(pair.publish == PortAnswer::silent);
  CHECK_FALSE(pair.beacon_came);
}

TEST_CASE("a beacon and a word from before the test do not count in it") {
  Harness a;
  a.beacon(b, "b");
  a.step(input::FromStream{b, mesh::Heartbeat{b, 1, 0, std::nullopt}});
  a.wait(10ms);
  a.step(input::SurveyMesh{});
  a.wait(Surveyor::patience);
  const auto pair = a.surveyed().members[0].pairs[0];
  CHECK_FALSE(pair.beacon_came);
  CHECK_FALSE(pair.stream_came);
  CHECK(pair.last_beacon.has_value());
}

TEST_CASE("three beacons go out for a test, also when it is over before the last of them") {
  Harness a;
  for (int i = 0; i < 40; ++i) {  // until the usual ones are rare
    for (const auto& peer : {b, c}) {
      a.step(input::FromStream{peer, mesh::Heartbeat{peer, 1, 0, std::nullopt}});
    }
    a.wait(500ms);
  }
  a.step(input::SurveyMesh{});
  a.answers(b, "b", 3);
  a.answers(c, "c", 4);
  CHECK(a.all<effect::Undial>().size() == 2);
  a.wait(1300ms);
  CHECK(a.all<effect::Announce>().size() >= 3);
}

TEST_CASE("whoever asks while tests are under way gets their answer, and they do not begin anew") {
  Harness a;
  CHECK(a.step(input::FromRoute{"x", "b", mesh::SurveyQuestion{b, 5}}) ==
        "dial 3 b:20, link 3: PathQuestion, dial 4 c:20, link 4: PathQuestion");
  CHECK(a.step(input::FromRoute{"y", "c", mesh::SurveyQuestion{c, 6}}) == "");
  CHECK(a.step(input::SurveyMesh{}) == "link 1: SurveyQuestion 1, link 2: SurveyQuestion 1");
  const auto text = a.wait(PathTests::longest);
  CHECK(text.find("route x: SurveyAnswer 5, route y: SurveyAnswer 6, undial 3, undial 4") !=
        std::string::npos);
  CHECK(a.step(input::FromRoute{"y", "c", mesh::SurveyQuestion{c, 7}}).find("dial 5") !=
        std::string::npos);
}

TEST_CASE("a stranger's questions have no answer, and a member's are answered as it asks") {
  Harness a;
  const auto before = a.counters().unexpected;
  CHECK(a.step(input::FromRoute{"z", "d", mesh::PathQuestion{origin(9)}}) == "");
  CHECK(a.step(input::FromRoute{"z", "d", mesh::SurveyQuestion{origin(9), 1}}) == "");
  CHECK(a.counters().unexpected == before + 2);
  CHECK(a.step(input::FromRoute{"z", "b", mesh::PathQuestion{b}}) == "route z: PathAnswer");
  CHECK(a.step(input::FromRoute{"z", "b", mesh::PathQuestion{b, true}}) ==
        "route z: large PathAnswer");
}

TEST_CASE("only the peer that was dialled for a test can answer it") {
  Harness a;
  a.step(input::SurveyMesh{});
  const auto before = a.counters().unexpected;
  a.step(input::FromLink{3, mesh::PathAnswer{c, 0, false}});
  a.step(input::FromLink{1, mesh::PathAnswer{b, 0, false}});
  CHECK(a.counters().unexpected == before + 2);
  a.step(
      input::FromLink{1, mesh::SurveyAnswer{99, {.origin = b, .answered = true}}});  // of another
  a.wait(Surveyor::patience);
  CHECK_FALSE(a.surveyed().members[0].pairs[0].round_trip.has_value());
  CHECK_FALSE(a.surveyed().members[1].answered);
}

TEST_CASE("the clock of the other is compared with ours in the middle of the round trip") {
  Harness a;
  a.node().set_clock(100s - a.now().time_since_epoch());
  a.step(input::SurveyMesh{});
  a.wait(40ms);
  a.step(input::FromLink{3, mesh::PathAnswer{b, 107'020'000, false}});
  a.wait(Surveyor::patience);
  CHECK(a.surveyed().members[0].pairs[0].clock_ahead == Duration(7s));
}

TEST_CASE("whose words were refused is told for half a minute, or until that one leaves") {
  Harness a;
  a.step(input::Heard{{"elsewhere", origin(7), 10, 20, false, false, 1}, "h"});
  a.step(input::SurveyMesh{});
  a.wait(Surveyor::patience);
  auto refused = a.surveyed().members[0].refused;
  REQUIRE(refused.size() == 1);
  CHECK(refused[0].host == "h");
  CHECK(refused[0].direct_port == 20);
  CHECK(refused[0].why == RefusedSeen::Why::other_mesh);
  CHECK(refused[0].detail == "elsewhere");
  a.wait(30s);
  a.step(input::SurveyMesh{});
  a.wait(Surveyor::patience);
  CHECK(a.surveyed().members[0].refused.empty());

  a.step(input::Heard{{"elsewhere", origin(7), 10, 20, false, false, 2}, "h"});
  a.step(input::Heard{{"elsewhere", origin(7), 10, 20, true, false, 3}, "h"});  // it leaves
  a.step(input::SurveyMesh{});
  a.wait(Surveyor::patience);
  CHECK(a.surveyed().members[0].refused.empty());
}

TEST_CASE("members that have left are not in a survey, and those that fell silent are") {
  Harness a;
  a.step(input::FromStream{b, mesh::Farewell{b, 0}});
  a.wait(8s);  // c is gone
  a.step(input::SurveyMesh{});
  a.wait(Surveyor::patience);
  const auto survey = a.surveyed();
  REQUIRE(survey.members.size() == 2);
  CHECK(survey.members[1].name == "c");
  CHECK(survey.members[1].state == PeerState::gone);
  REQUIRE(survey.members[0].pairs.size() == 1);
  CHECK(survey.members[0].pairs[0].origin == c);
}

TEST_CASE("a member that names thousands of peers fills no survey") {
  Harness a;
  a.step(input::SurveyMesh{});
  for (const auto& [link, peer] : {std::pair(1U, b), std::pair(2U, c)}) {
    MemberSeen seen{.origin = peer, .version = "1"};
    for (std::uint8_t i = 0; i < 100; ++i) {
      auto named = origin(link == 1 ? 10 : 11);
      named.incarnation = 1000U + i;
      seen.pairs.push_back({.origin = named, .name = "x"});
      seen.pairs.push_back({.origin = named, .name = "again"});
    }
    a.step(input::FromLink{link, mesh::SurveyAnswer{1, std::move(seen)}});
  }
  a.wait(Surveyor::patience);
  const auto survey = a.surveyed();
  REQUIRE(survey.members.size() == 3);
  CHECK(survey.members[1].pairs.size() + survey.members[2].pairs.size() == 128);
}

TEST_CASE("one caller can't take all places of those who ask for a survey") {
  Harness a;
  for (std::uint64_t number = 1; number <= 20; ++number) {
    a.step(input::FromRoute{"greedy", "b", mesh::SurveyQuestion{b, number}});
  }
  a.step(input::FromRoute{"honest", "c", mesh::SurveyQuestion{c, 7}});
  const auto answers = a.wait(Surveyor::patience);
  CHECK(contains(answers, "route greedy: SurveyAnswer 20"));
  CHECK(contains(answers, "route honest: SurveyAnswer 7"));
}
