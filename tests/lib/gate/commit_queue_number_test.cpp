// Positions that name their timeline by number alone, with the start of the server that has told
// it: two servers that were promoted apart may have one number.
#include <string>

#include <doctest/doctest.h>

#include "lib/gate/commit_queue.hpp"
#include "tests/lib/samples.hpp"

using namespace tidegate;
using namespace tidegate::gate;
using tidegate::testing::a_message;
using tidegate::testing::history;
using tidegate::testing::home;
using tidegate::testing::place;
using Fate = CommitQueue::Fate;

namespace {

constexpr Instant start = Instant(std::chrono::hours(5));

// Two primaries that were promoted apart, and a later life of the first one.
constexpr ServerIncarnation one{home, 11};
constexpr ServerIncarnation other{home, 12};
constexpr ServerIncarnation restarted{home, 13};
const auto way_of_one = history("1 2@50/7");
const auto way_of_other = history("1 2@60/8");

// As commit() makes it on that server.
Position told_by(const ServerIncarnation& server, TimelineId timeline = 2,
                 ClusterId cluster = home) {
  return {Branch(ServerKind::postgres, cluster, history(std::to_string(timeline)), server.started),
          100};
}

CommitPosition reading(const ServerIncarnation& server, const History& way) {
  return {server, way, Lsn{500}, Lsn{500}};
}

void publish(CommitQueue& queue, std::string_view name, const Dependency& dependency) {
  queue.push(a_message(name, ""), dependency, 1, start);
}

void answer(CommitQueue& queue, const CommitPosition& reading) {
  REQUIRE(queue.take_query(start) == CommitQueue::Query::ask);
  queue.answered(reading, start);
}

CommitQueue asking(const ServerIncarnation& server, const History& way) {
  CommitQueue queue;
  queue.primary_up(server, way);
  return queue;
}

// The next one may leave, as sent, with that position.
bool sends(CommitQueue& queue, const Position& position) {
  const auto leaving = queue.pop();
  REQUIRE(leaving);
  return leaving->fate == Fate::sent && leaving->message.position == position;
}

}  // namespace

TEST_CASE("a position of the primary's present life gets its history without a question") {
  auto queue = asking(one, way_of_one);
  publish(queue, "a", told_by(one));
  CHECK(queue.take_query(start) == std::nullopt);
  CHECK(sends(queue, place(way_of_one, 100)));
}

TEST_CASE("a change that was committed on another primary of the same number is not announced") {
  auto queue = asking(one, way_of_one);
  publish(queue, "a", told_by(other));
  CHECK_FALSE(queue.pop());
  answer(queue, reading(one, way_of_one));
  CHECK(queue.pop()->fate == Fate::strange);
}

TEST_CASE("a primary that has restarted unnoticed is asked before a change is given back") {
  auto queue = asking(one, way_of_one);
  publish(queue, "a", told_by(restarted));
  REQUIRE(queue.take_query(start) == CommitQueue::Query::ask);
  queue.primary_down();  // that is how it is noticed
  queue.primary_up(restarted, way_of_one);
  answer(queue, reading(restarted, way_of_one));
  CHECK(sends(queue, place(way_of_one, 100)));
}

TEST_CASE("a change of a former life of a primary has the history of that, whoever follows it") {
  auto queue = asking(one, way_of_one);
  queue.primary_down();
  SUBCASE("the same server") { queue.primary_up(restarted, way_of_one); }
  SUBCASE("another one") { queue.primary_up(other, way_of_other); }
  SUBCASE("one that was promoted behind it") {
    queue.primary_up(other, history("1 2@50/7 3@80/9"));
  }
  SUBCASE("one that is none any more") { queue.primary_denied(one); }
  publish(queue, "a", told_by(one));
  CHECK(sends(queue, place(way_of_one, 100)));
}

TEST_CASE("as many lives of primaries are known as a failover manager gets through in an hour") {
  auto queue = asking(one, way_of_one);
  for (std::int64_t life = 1; life <= 15; ++life) {
    queue.primary_up({home, 100 + life}, history("1 2@50/7 3@80/9"));
    queue.primary_up({home, 100 + life}, history("1 2@50/7 3@80/9"));
  }
  publish(queue, "known", told_by(one));
  CHECK(sends(queue, place(way_of_one, 100)));
  queue.primary_up(restarted, way_of_one);
  publish(queue, "forgotten", told_by(one));
  CHECK_FALSE(queue.pop());
}

TEST_CASE("within its first timeline a cluster has one history, whichever server tells it") {
  auto queue = asking(one, history("1"));
  publish(queue, "a", told_by(other, 1));
  CHECK(sends(queue, place(1, 100)));
}

TEST_CASE("a position waits for the primary among the other messages, and they for it") {
  CommitQueue queue;
  publish(queue, "a", told_by(one));
  publish(queue, "b", NoChange{});
  publish(queue, "c", AfterCommit{});
  publish(queue, "d", told_by(other));
  publish(queue, "e", NoChange{});
  CHECK_FALSE(queue.pop());
  queue.primary_up(one, way_of_one);
  answer(queue, reading(one, way_of_one));
  CHECK(sends(queue, place(way_of_one, 100)));
  CHECK(queue.pop()->message.position == std::nullopt);
  CHECK(sends(queue, place(way_of_one, 500)));
  CHECK(queue.pop()->fate == Fate::strange);
  CHECK(queue.pop()->fate == Fate::sent);
  CHECK(queue.size() == 0);
}

TEST_CASE("an answer to a question that was under way says nothing of a later position") {
  auto queue = asking(one, way_of_one);
  publish(queue, "a", AfterCommit{});
  REQUIRE(queue.take_query(start) == CommitQueue::Query::ask);
  publish(queue, "b", told_by(other));
  queue.answered(reading(one, way_of_one), start);
  CHECK(sends(queue, place(way_of_one, 500)));
  CHECK_FALSE(queue.pop());
  answer(queue, reading(one, way_of_one));
  CHECK(queue.pop()->fate == Fate::strange);
}

TEST_CASE("where nobody can be asked a position goes out by its number") {
  CommitQueue queue;
  publish(queue, "a", told_by(one));
  SUBCASE("there is no primary") { queue.no_primary(); }
  SUBCASE("it is of another cluster") {
    queue.primary_up({home + 1, 5}, way_of_other);
    answer(queue, reading({home + 1, 5}, way_of_other));
  }
  CHECK(sends(queue, place(2, 100)));
}

TEST_CASE("a primary that tells no history of its own does not lend another server's changes one") {
  auto queue = asking(one, history("2"));
  publish(queue, "own", told_by(one));
  CHECK(sends(queue, place(2, 100)));
  publish(queue, "strange", told_by(other));
  answer(queue, reading(one, history("2")));
  CHECK(queue.pop()->fate == Fate::strange);
}

TEST_CASE("a change of a later timeline asks for a later primary, once") {
  auto queue = asking(one, way_of_one);
  publish(queue, "a", told_by(other, 3));
  CHECK(queue.names_later_than(reading(one, way_of_one)));
  queue.primary_down();
  SUBCASE("and that is found") {
    queue.primary_up(other, history("1 2@50/7 3@80/9"));
    CHECK_FALSE(queue.names_later_than(reading(other, history("1 2@50/7 3@80/9"))));
    answer(queue, reading(other, history("1 2@50/7 3@80/9")));
    CHECK(sends(queue, place(history("1 2@50/7 3@80/9"), 100)));
  }
  SUBCASE("and the same one answers again") {
    queue.primary_up(one, way_of_one);
    CHECK_FALSE(queue.names_later_than(reading(one, way_of_one)));
    answer(queue, reading(one, way_of_one));
    CHECK(queue.pop()->fate == Fate::strange);
  }
}

TEST_CASE("no other change asks for a later primary") {
  auto queue = asking(one, way_of_one);
  publish(queue, "equal", told_by(other));
  publish(queue, "earlier", told_by(other, 1));
  publish(queue, "known", place(history("1 2@50/7 3@80/9"), 100));
  publish(queue, "of another cluster", told_by(other, 3, home + 1));
  publish(queue, "after commit", AfterCommit{});
  CHECK_FALSE(queue.names_later_than(reading(one, way_of_one)));
}
