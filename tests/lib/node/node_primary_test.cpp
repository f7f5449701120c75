// Two servers that take writes at once, and a failover that is taken back: which of them a peer
// believes.
#include <chrono>
#include <string>

#include <doctest/doctest.h>

#include "tests/lib/node/node_harness.hpp"

using namespace tidegate;
using namespace tidegate::node;
using namespace tidegate::testing;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

const Origin b = origin(2);

constexpr ServerIncarnation new_life{home, 3};

PrimaryUp primary(const ServerIncarnation& life, const std::string& text) {
  return {life, "primary db", "", history(text)};
}

input::CommitPositionRead position_read(const ServerIncarnation& life, const std::string& text,
                                        std::uint64_t lsn) {
  return {{life, history(text), Lsn{lsn}, Lsn{lsn}}};
}

input::ReplayPositionRead tide_read(const std::string& text, std::uint64_t replayed) {
  return {Tide{server_life, history(text), replayed}};
}

// Its own server has answered a question of now.
NodeHarness reading(const std::string& text, std::uint64_t replayed) {
  NodeHarness a;
  a.step(ServerUp{server_life});
  CHECK(a.step(primary(primary_life, "1")) == "primary up, poll");
  a.step(tide_read(text, replayed));
  return a;
}

std::string heartbeat_of(NodeHarness& a, const Position& position) {
  return a.step(input::FromStream{b, mesh::Heartbeat{b, 1, 0, position}});
}

}  // namespace

// --- two primaries at once ----------------------------------------------------------------------

TEST_CASE("an old primary that runs on is left when the own server has followed the new one") {
  auto a = reading("1", 90);
  CHECK(a.wait(seconds(2)).empty());
  CHECK(a.publish("row", AfterCommit{}) == "poll, ask");
  CHECK(a.step(tide_read("1 2@100", 120)) == "leave primary, primary down");
  const auto reason = a.notices<PrimaryDown>().at(0).reason;
  CHECK(reason.find("its history is 1, ") != std::string::npos);
  CHECK(reason.find("has come to 1,2@0/64;") != std::string::npos);
  CHECK(a.status().unsent == 1);
  CHECK_FALSE(a.status().primary_known);
  // Its change was committed while another server was taken for the primary.
  CHECK(a.step(primary(new_life, "1 2@100")) == "primary up, ask");
  CHECK(a.step(position_read(new_life, "1 2@100", 130)) == "unpublished row: primary_outdated");
  CHECK(a.publish("next", AfterCommit{}) == "ask");
  CHECK(a.step(position_read(new_life, "1 2@100", 140)) == "all: Data 1-1");
}

TEST_CASE("in a split cluster a message without a change comes behind what its peer was given") {
  NodeHarness a;
  a.step(ServerUp{server_life});
  a.step(tide_read("1", 150));
  a.step(input::Subscribe{Pattern::all()});
  a.befriend(b, "b");
  const auto given = place(history("1"), 140);
  const auto own = place(history("1 2@100/8"), 130);
  CHECK(a.data(b, 1, {message_at("given", given)}) == "deliver given of b");
  CHECK(a.publish("own", own) == "all: Data 1-1");
  CHECK(a.publish("answer", NoChange{}) == "all: Data 2-2");
  CHECK(a.sent() == std::vector<Message>{message_at("answer", std::nullopt, 0, given)});
  a.step(ServerDown{"gone"});  // which takes back nothing
  CHECK(a.publish("own", own) == "all: Data 3-3");
  CHECK(a.publish("answer", NoChange{}) == "all: Data 4-4");
  CHECK(a.sent() == std::vector<Message>{message_at("answer", std::nullopt, 0, given)});
  // Its own server has become one of the other side.
  a.step(ServerUp{server_life});
  a.step(tide_read("1 2@100/8", 150));
  CHECK(a.publish("answer", NoChange{}) == "all: Data 5-5");
  CHECK(a.sent() == std::vector<Message>{message_at("answer", std::nullopt, 0, own)});
}

TEST_CASE("a primary is left for the later one on which the application has committed") {
  auto a = reading("1", 90);
  const auto told_by = [](std::int64_t started, const char* number) {
    return Position{Branch(ServerKind::postgres, home, history(number), started), 120};
  };
  CHECK(a.publish("row", told_by(new_life.started, "2")) == "ask");
  CHECK(a.step(position_read(primary_life, "1", 95)) == "leave primary, primary down");
  CHECK(a.notices<PrimaryDown>().at(0).reason.find(" on a later timeline ") != std::string::npos);
  SUBCASE("and that is found") {
    CHECK(a.step(primary(new_life, "1 2@100")) == "primary up, ask");
    CHECK(a.step(position_read(new_life, "1 2@100", 130)) == "all: Data 1-1");
    CHECK(a.sent().at(0).position == place(history("1 2@100"), 120));
  }
  SUBCASE("and nobody knows whose history it is, if the same one is there again") {
    CHECK(a.step(primary(primary_life, "1")) == "primary up, ask");
    CHECK(a.step(position_read(primary_life, "1", 96)) == "unpublished row: other_primary");
    CHECK(a.publish("next", told_by(new_life.started, "2")) == "ask");
    CHECK(a.step(position_read(primary_life, "1", 97)) == "leave primary, primary down");
  }
}

TEST_CASE("a change of a primary that is none any more has the history with which that came up") {
  auto a = reading("1 2@100", 120);  // which has left the one that it has met
  const auto told = [](const ServerIncarnation& server, const char* number) {
    return Position{Branch(ServerKind::postgres, home, history(number), server.started), 110};
  };
  CHECK(a.step(primary({home, 4}, "1 2@90")) == "primary up");
  a.step(tide_read("1 2@90 3@115", 120));
  CHECK(a.step(primary({home, 5}, "1 2@90")).find("leave primary") != std::string::npos);
  CHECK(a.publish("row", told({home, 5}, "2")) == "all: Data 1-1");
  CHECK(a.sent().at(0).position == place(history("1 2@90"), 110));
}

TEST_CASE("a position waits for a reading of the own server that is not older than a second") {
  auto a = reading("1", 90);
  a.wait(milliseconds(900));
  CHECK(a.publish("1", AfterCommit{}) == "ask");
  CHECK(a.step(position_read(primary_life, "1", 95)) == "all: Data 1-1");
  a.wait(milliseconds(200));
  CHECK(a.publish("2", AfterCommit{}) == "poll, ask");
  CHECK(a.step(position_read(primary_life, "1", 96)).empty());
  CHECK(a.step(tide_read("1", 96)) == "all: Data 2-2");

  a.wait(seconds(2));
  CHECK(a.publish("3", AfterCommit{}) == "poll, ask");
  CHECK(a.step(position_read(primary_life, "1", 97)).empty());
  CHECK(a.step(tide_read("1 2@100", 120)) == "leave primary, primary down");

  auto c = reading("1", 90);
  c.wait(seconds(2));
  c.publish("1", AfterCommit{});
  CHECK(c.step(position_read(primary_life, "1", 97)).empty());
  CHECK(c.step(ServerDown{"gone"}) == "server down, all: Data 1-1");
}

TEST_CASE("while nothing is published nobody is asked on which history the own server is") {
  auto a = reading("1", 90);
  CHECK(a.wait(seconds(60)).empty());
}

TEST_CASE("an old primary that answers again is left again, and that is said once") {
  auto a = reading("1 2@100", 120);
  CHECK_FALSE(a.status().primary_known);
  a.wait(milliseconds(100));
  CHECK(a.step(primary(primary_life, "1")) == "leave primary");
  CHECK(a.step(primary(new_life, "1 2@100")) == "primary up");
  a.wait(milliseconds(100));
  CHECK(a.step(primary(primary_life, "1")) == "leave primary, primary down");
}

TEST_CASE("an answer of a primary that was left meanwhile is not used") {
  auto a = reading("1", 90);
  a.publish("1", AfterCommit{});
  a.befriend(b, "b");
  CHECK(heartbeat_of(a, place(history("1 2@100"), 120)) == "leave primary, primary down");
  CHECK(a.step(position_read(primary_life, "1", 97)).empty());
  CHECK(a.status().unsent == 1);
}

TEST_CASE("an answer that waits for its flush is void when its server turns out to be no primary") {
  auto a = reading("1", 90);
  a.publish("1", AfterCommit{});
  CHECK(a.step(input::CommitPositionRead{{primary_life, history("1"), Lsn{97}, Lsn{96}}}).empty());
  CHECK(a.step(tide_read("1 2@100", 120)) ==
        "leave primary, primary down, unpublished 1: primary_outdated");
}

TEST_CASE("what was published on a primary that turns out to be none comes back with that reason") {
  auto a = reading("1", 90);
  CHECK(a.publish("1", AfterCommit{}) == "ask");
  CHECK(a.step(tide_read("1 2@100", 120)) == "leave primary, primary down");
  a.publish("2", AfterCommit{});
  CHECK(a.step(primary(new_life, "1 2@100")) == "primary up, ask");
  CHECK(a.step(position_read(new_life, "1 2@100", 130)) ==
        "unpublished 1: primary_outdated, unpublished 2: primary_outdated");
  CHECK(a.publish("3", AfterCommit{}) == "ask");
  a.step(PrimaryDown{"gone"});
  a.step(primary({home, 9}, "1 2@100"));
  CHECK(a.step(position_read({home, 9}, "1 2@100", 140)) == "unpublished 3: primary_lost");
}

// It waited for the answer of a primary that was away.
TEST_CASE("a message without a change that is sent apart does not wait for those before it") {
  auto a = reading("1", 90);
  a.step(PrimaryDown{"gone"});
  CHECK(a.publish("1", AfterCommit{}).empty());
  CHECK(a.publish("2", NoChange{}).empty());
  CHECK(a.publish("3", NoChange{.apart = true}) == "all: Data 1-1");
  CHECK(a.publish("4", AfterCommit{}).empty());
  a.step(primary(primary_life, "1"));
  CHECK(a.step(position_read(primary_life, "1", 95)) == "all: Data 2-4");
  std::string order;
  for (const auto& message : a.sent()) order += to_string(message.topic);
  CHECK(order == "124");
}

TEST_CASE(
    "messages come back when it turns out that there is no primary to ask, the others leave") {
  NodeHarness a;
  CHECK(a.publish("1", AfterCommit{}).empty());
  CHECK(a.publish("2", NoChange{}).empty());
  CHECK(a.step(input::NoPrimary{}) == "unpublished 1: no_primary, all: Data 1-1");
  CHECK(a.publish("3", AfterCommit{}).empty());
  CHECK(a.step(primary(primary_life, "1")) == "primary up, ask");
  CHECK(a.step(input::NoPrimary{}).empty());
}

TEST_CASE(
    "a peer without a server of its own leaves a primary when others are on a later history") {
  NodeHarness a{Options()};
  a.step(primary(primary_life, "1"));
  a.befriend(b, "b");
  CHECK(heartbeat_of(a, place(history("1"), 90)).empty());
  CHECK(heartbeat_of(a, place(history("1 2@100"), 120)) == "leave primary, primary down");
  CHECK(a.notices<PrimaryDown>().at(0).reason.find("messages name the later history 1,2@0/64;") !=
        std::string::npos);
}

TEST_CASE("a primary that is further than the own server and all that was seen is believed") {
  auto a = reading("1", 90);
  a.step(PrimaryDown{"gone"});
  CHECK(a.step(primary(new_life, "1 2@100")) == "primary up");
  CHECK(a.publish("1", AfterCommit{}) == "ask");
  CHECK(a.step(position_read(new_life, "1 2@100", 110)) == "all: Data 1-1");
}

// --- a failover ---------------------------------------------------------------------------------

TEST_CASE("a peer that has published what a failover undid is not silenced by it") {
  auto a = reading("1 2@100", 500);
  a.step(input::Subscribe{Pattern::all()});
  a.befriend(b, "b");
  const auto undone = at(130, 1);
  CHECK(a.data(b, 1,
               {message_at("undone", undone), message_at("nothing", std::nullopt, 0, undone),
                message_at("survived", at(90, 1), 0, undone)}) ==
        "undelivered 1-1 of b: in_doubt, deliver nothing of b, deliver survived of b");
}

// --- a failover that is taken back --------------------------------------------------------------

TEST_CASE("a peer goes on when its own servers agree that a failover was taken back, and says so") {
  auto a = reading("1", 90);
  a.step(PrimaryDown{"gone"});
  a.step(primary(new_life, "1 2@100"));
  CHECK(a.publish("1", AfterCommit{}) == "ask");
  CHECK(a.step(position_read(new_life, "1 2@100", 120)) == "all: Data 1-1");
  a.step(PrimaryDown{"gone"});
  // The own server may still follow the failover.
  CHECK(a.step(primary({home, 4}, "1")) == "leave primary, primary down");
  a.wait(seconds(2));
  CHECK(a.step(primary({home, 4}, "1")) == "leave primary, poll");
  CHECK(a.publish("2", AfterCommit{}).empty());
  a.step(tide_read("1", 101));
  CHECK(a.step(primary({home, 4}, "1")).find("warning: a failover was taken back, ") == 0);
  const auto text = a.notices<Warning>().at(0).text;
  CHECK(text.find(" has the history 1, ") != std::string::npos);
  CHECK(text.find(" named the later one 1,2@0/64, ") != std::string::npos);
  CHECK(a.notices<PrimaryUp>().size() == 1);
  // The history that was given up is not inherited: receivers would wait for it.
  CHECK(a.publish("3", NoChange{}).empty());
  CHECK(a.step(position_read({home, 4}, "1", 130)) == "unpublished 2: primary_lost, all: Data 2-2");
  CHECK((a.sent() ==
         std::vector<Message>{message_at("3", std::nullopt, 0, place(history("1"), 100))}));
  CHECK(a.publish("4", AfterCommit{}) == "ask");
  CHECK(a.step(position_read({home, 4}, "1", 140)) == "all: Data 3-3");
}

TEST_CASE("an operator can let a peer go on that has no server to confirm a failover taken back") {
  NodeHarness a{Options()};
  a.befriend(b, "b");
  a.step(primary(primary_life, "1"));
  heartbeat_of(a, place(history("1 2@100"), 120));
  CHECK(a.publish("1", AfterCommit{}).empty());
  CHECK(a.step(input::TrustPrimary{}).find("warning: a failover was taken back, ") == 0);
  CHECK(a.step(primary(primary_life, "1")) == "primary up, ask");
  CHECK(a.step(position_read(primary_life, "1", 130)) == "all: Data 1-1");
}
