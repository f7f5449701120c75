#include "lib/gate/commit_queue.hpp"

#include <algorithm>
#include <map>

#include <doctest/doctest.h>

#include "lib/message/footprint.hpp"
#include "tests/lib/samples.hpp"

using namespace tidegate;
using namespace tidegate::message;
using namespace tidegate::gate;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;
using tidegate::testing::a_message;
using tidegate::testing::home;
using Query = CommitQueue::Query;

namespace {

constexpr Instant start = Instant(std::chrono::hours(5));
constexpr AfterCommit by_default{false};
constexpr AfterCommit durable{true};

constexpr ServerIncarnation first_life{home, 1};
constexpr ServerIncarnation second_life{home, 2};

CommitPosition reading(std::uint64_t insert, std::uint64_t flush,
                       ServerIncarnation life = first_life, TimelineId timeline = 1) {
  return {life, tidegate::testing::history(std::to_string(timeline)), Lsn{insert}, Lsn{flush}};
}

Position at(TimelineId timeline, std::uint64_t lsn) {
  return tidegate::testing::place(timeline, lsn);
}

void publish(CommitQueue& queue, std::string_view name, const Dependency& dependency = by_default) {
  queue.push(a_message(name, ""), dependency, 1, start);
}

// All that may leave now: "a@100", "b lost", or "c" when it has no position.
std::string leaving(CommitQueue& queue) {
  std::string text;
  while (const auto one = queue.pop()) {
    if (!text.empty()) text += ", ";
    text += to_string(one->message.topic);
    if (one->fate == CommitQueue::Fate::outdated) {
      text += " outdated";
    } else if (one->fate == CommitQueue::Fate::lost) {
      text += " lost";
    } else if (const auto& position = one->message.position) {
      text += "@" + std::to_string(position->offset);
      if (position->timeline() != 1) text += " on " + std::to_string(position->timeline());
    }
  }
  return text;
}

// A queue whose primary is there.
CommitQueue connected() {
  CommitQueue queue;
  queue.primary_up(first_life, {});
  return queue;
}

void ask(CommitQueue& queue, Instant now = start) { REQUIRE(queue.take_query(now) == Query::ask); }

void ask_and_answer(CommitQueue& queue, const CommitPosition& reading, Instant now = start) {
  ask(queue, now);
  queue.answered(reading, now);
}

}  // namespace

// --- order --------------------------------------------------------------------------------------

TEST_CASE("a message with no change, or with a known position, leaves at once without a query") {
  auto queue = connected();
  publish(queue, "a", NoChange{});
  publish(queue, "b", at(1, 70));
  CHECK(queue.deadline() == never);
  CHECK(queue.take_query(start) == std::nullopt);
  CHECK(leaving(queue) == "a, b@70");
}

TEST_CASE("messages leave in the order of their publishing, whatever they wait for") {
  auto queue = connected();
  publish(queue, "a", NoChange{});
  publish(queue, "b");
  publish(queue, "c", NoChange{});
  publish(queue, "d", at(1, 70));
  publish(queue, "e", durable);
  publish(queue, "f", NoChange{});
  CHECK(leaving(queue) == "a");
  ask_and_answer(queue, reading(100, 90));
  CHECK(leaving(queue).empty());
  ask_and_answer(queue, reading(120, 100), queue.deadline());
  CHECK(leaving(queue) == "b@100, c, d@70, e@90, f");
  CHECK(queue.size() == 0);
}

TEST_CASE("a message that needs no answer waits for those before it that were not yet asked for") {
  auto queue = connected();
  publish(queue, "a");
  ask(queue);
  publish(queue, "b");
  publish(queue, "c", NoChange{});
  queue.answered(reading(100, 100), start);
  CHECK(leaving(queue) == "a@100");
  ask_and_answer(queue, reading(200, 200));
  CHECK(leaving(queue) == "b@200, c");
}

TEST_CASE("a message that needs no answer does not wait for an answer behind it") {
  auto queue = connected();
  publish(queue, "a");
  ask(queue);
  publish(queue, "b", NoChange{});
  publish(queue, "c");
  queue.answered(reading(100, 100), start);
  CHECK(leaving(queue) == "a@100, b");
}

// --- questions ----------------------------------------------------------------------------------

TEST_CASE("a position is asked for after the message was accepted, never before") {
  auto queue = connected();
  publish(queue, "a");
  ask(queue);
  publish(queue, "b");  // its commit may be later than the reading that is under way
  queue.answered(reading(100, 100), start);
  CHECK(leaving(queue) == "a@100");
  ask_and_answer(queue, reading(200, 200));
  CHECK(leaving(queue) == "b@200");
}

TEST_CASE("one question serves every message published before it was sent") {
  auto queue = connected();
  for (const auto* name : {"a", "b", "c"}) publish(queue, name);
  ask_and_answer(queue, reading(100, 100));
  CHECK(leaving(queue) == "a@100, b@100, c@100");
  CHECK(queue.take_query(start) == std::nullopt);
  CHECK(queue.deadline() == never);
}

TEST_CASE("one question is under way at a time, and there is none when nothing waits") {
  auto queue = connected();
  CHECK(queue.deadline() == never);
  CHECK(queue.take_query(start) == std::nullopt);
  publish(queue, "a");
  CHECK(queue.deadline() <= start);
  ask(queue);
  publish(queue, "b");
  CHECK(queue.deadline() == never);
  CHECK(queue.take_query(start + seconds(10)) == std::nullopt);
}

// --- positions ----------------------------------------------------------------------------------

TEST_CASE("by default the insert LSN is taken, and the flush LSN must have reached it exactly") {
  for (const auto& [flush, expected] :
       std::map<std::uint64_t, std::string>{{99, ""}, {100, "a@100"}, {101, "a@100"}}) {
    auto queue = connected();
    publish(queue, "a");
    ask_and_answer(queue, reading(100, flush));
    CHECK(leaving(queue) == expected);
  }
}

TEST_CASE("a durable change takes the flush LSN and leaves at once") {
  auto queue = connected();
  publish(queue, "a", durable);
  ask_and_answer(queue, reading(100, 40));
  CHECK(leaving(queue) == "a@40");
  CHECK(queue.deadline() == never);
}

TEST_CASE("a durable position at a page's end inside somebody's record is nudged over it") {
  constexpr std::uint64_t page_end = 16384;
  auto queue = connected();
  publish(queue, "a", durable);
  ask_and_answer(queue, reading(page_end + 100, page_end));
  CHECK(leaving(queue) == "a@16384");
  bool nudged = false;
  auto now = start;
  while (!nudged) {
    now = queue.deadline();
    REQUIRE(now <= start + milliseconds(5));
    nudged = queue.take_query(now) == Query::nudge;
    queue.answered(reading(page_end + 100, page_end + (nudged ? 100 : 0)), now);
  }
  CHECK(queue.deadline() == never);
}

TEST_CASE("a durable position is not nudged for at a page's end where a record ends too") {
  auto queue = connected();
  publish(queue, "a", durable);
  ask_and_answer(queue, reading(16384, 16384));
  CHECK(leaving(queue) == "a@16384");
  CHECK(queue.deadline() == never);
}

// --- an unflushed tail --------------------------------------------------------------------------

TEST_CASE("an unflushed position is asked for again, ever more rarely") {
  auto queue = connected();
  publish(queue, "a");
  ask_and_answer(queue, reading(100, 99));
  std::vector<Duration> asked;
  auto now = start;
  for (int i = 0; i < 40; ++i) {
    const auto due = queue.deadline();
    REQUIRE(due > now);
    CHECK(queue.take_query(due - Duration(1)) == std::nullopt);
    if (queue.take_query(due) == Query::ask) asked.push_back(due - now);
    now = due;
    queue.answered(reading(100, 99), now);
  }
  REQUIRE(asked.size() > 10);
  CHECK(asked.front() == microseconds(500));
  CHECK(*std::max_element(asked.begin(), asked.end()) == milliseconds(50));
  CHECK(leaving(queue).empty());
}

TEST_CASE("a primary that does not flush is nudged after 5 ms, then ever more rarely") {
  auto queue = connected();
  publish(queue, "a");
  ask_and_answer(queue, reading(100, 99));
  std::vector<Duration> nudged;
  auto last = start;
  while (nudged.size() < 7) {
    const auto now = queue.deadline();
    REQUIRE(now < start + seconds(10));
    if (queue.take_query(now) == Query::nudge) {
      nudged.push_back(now - last);
      last = now;
    }
    queue.answered(reading(100, 99), now);
  }
  CHECK((nudged == std::vector<Duration>{milliseconds(5), milliseconds(20), milliseconds(80),
                                         milliseconds(320), seconds(1), seconds(1), seconds(1)}));
}

TEST_CASE("the answer to a nudge says how far the flush is, and serves later messages too") {
  auto queue = connected();
  publish(queue, "a");
  ask_and_answer(queue, reading(100, 99));
  publish(queue, "b");
  REQUIRE(queue.take_query(start + milliseconds(5)) == Query::nudge);
  queue.answered(reading(200, 200), start + milliseconds(6));
  CHECK(leaving(queue) == "a@100, b@200");
  CHECK(queue.deadline() == never);
}

TEST_CASE("a steady flow of messages does not keep the nudge away") {
  auto queue = connected();
  publish(queue, "a");
  bool nudged = false;
  for (auto now = start; now < start + milliseconds(20) && !nudged; now += microseconds(100)) {
    nudged = queue.take_query(now) == Query::nudge;
    publish(queue, "more");
    queue.answered(reading(100, 99), now);
  }
  CHECK(nudged);
}

TEST_CASE("once the tail is flushed nothing is asked any more, and the next tail starts afresh") {
  auto queue = connected();
  publish(queue, "a");
  ask_and_answer(queue, reading(100, 99));
  for (int i = 0; i < 20; ++i) {
    const auto now = queue.deadline();
    (void)queue.take_query(now);
    queue.answered(reading(100, i < 19 ? 99 : 100), now);
  }
  CHECK(leaving(queue) == "a@100");
  CHECK(queue.deadline() == never);

  const auto later = start + seconds(100);
  publish(queue, "b");
  ask_and_answer(queue, reading(200, 199), later);
  CHECK(queue.deadline() == later + microseconds(500));
}

TEST_CASE("an unflushed message is asked for again also when one before it could leave") {
  SUBCASE("because its own position is flushed") {
    auto queue = connected();
    publish(queue, "a");
    ask(queue);
    publish(queue, "b");
    queue.answered(reading(100, 50), start);
    ask_and_answer(queue, reading(200, 100));
    CHECK(leaving(queue) == "a@100");
    REQUIRE(queue.deadline() < start + seconds(1));
    ask_and_answer(queue, reading(200, 200), queue.deadline());
    CHECK(leaving(queue) == "b@200");
  }
  SUBCASE("because its change is durable") {
    auto queue = connected();
    publish(queue, "a", durable);
    publish(queue, "b");
    ask_and_answer(queue, reading(100, 50));
    CHECK(leaving(queue) == "a@50");
    REQUIRE(queue.deadline() < start + seconds(1));
    ask_and_answer(queue, reading(100, 100), queue.deadline());
    CHECK(leaving(queue) == "b@100");
  }
  SUBCASE("because it is lost") {
    auto queue = connected();
    publish(queue, "a");
    queue.primary_down();
    queue.primary_up(second_life, {});
    publish(queue, "b");
    ask_and_answer(queue, reading(100, 50, second_life));
    CHECK(leaving(queue) == "a lost");
    REQUIRE(queue.deadline() < start + seconds(1));
    ask_and_answer(queue, reading(100, 100, second_life), queue.deadline());
    CHECK(leaving(queue) == "b@100");
  }
}

TEST_CASE("a given position that names the primary's timeline by number gets its whole history") {
  const auto whole = tidegate::testing::history("1 2@50/7");
  CommitQueue queue;
  queue.primary_up(first_life, whole);
  const auto position_of = [&](const Position& given) {
    publish(queue, "a", given);
    return queue.pop()->message.position.value();
  };
  CHECK(position_of(at(2, 100)) == tidegate::testing::place(whole, 100));
  // Of another timeline, another cluster, or known better by the caller.
  const auto elsewhere = tidegate::testing::place(2, 100, home + 1);
  const auto apart = tidegate::testing::place(tidegate::testing::history("1 2@50/8"), 100);
  for (const auto& given : {at(1, 100), at(3, 100), elsewhere, apart}) {
    CHECK(position_of(given) == given);
  }
}

// --- the primary comes and goes -----------------------------------------------------------------

TEST_CASE("without a primary nothing is asked, and all is asked when it is there") {
  CommitQueue queue;
  publish(queue, "a");
  publish(queue, "b");
  CHECK_FALSE(queue.primary_known());
  CHECK(queue.deadline() == never);
  CHECK(queue.take_query(start) == std::nullopt);
  queue.primary_up(first_life, {});
  CHECK(queue.primary_known());
  ask_and_answer(queue, reading(100, 100));
  CHECK(leaving(queue) == "a@100, b@100");
}

TEST_CASE("a question that the primary took with it is asked again") {
  auto queue = connected();
  publish(queue, "a");
  ask(queue);
  queue.primary_down();
  CHECK_FALSE(queue.primary_known());
  CHECK(queue.deadline() == never);
  publish(queue, "b");
  queue.primary_up(first_life, {});
  ask_and_answer(queue, reading(100, 100));
  CHECK(leaving(queue) == "a@100, b@100");
}

TEST_CASE("an unflushed message is looked at again at once when the same primary is back") {
  auto queue = connected();
  publish(queue, "a");
  ask_and_answer(queue, reading(100, 99));
  queue.primary_down();
  CHECK(queue.deadline() == never);
  queue.primary_up(first_life, {});
  ask_and_answer(queue, reading(100, 100), start);
  CHECK(leaving(queue) == "a@100");
}

TEST_CASE("an unflushed position is void when its primary's life has ended") {
  auto queue = connected();
  publish(queue, "a");
  ask_and_answer(queue, reading(100, 99));
  queue.primary_down();
  queue.primary_up(second_life, {});
  ask_and_answer(queue, reading(300, 300, second_life));
  CHECK(leaving(queue) == "a lost");
  CHECK(queue.deadline() == never);
}

TEST_CASE("a message accepted before its primary's life ended is lost unless it has a position") {
  auto queue = connected();
  publish(queue, "first");
  ask_and_answer(queue, reading(100, 50));
  publish(queue, "a");
  queue.primary_down();
  publish(queue, "b");
  queue.primary_up(second_life, {});
  publish(queue, "c");
  ask_and_answer(queue, reading(200, 200, second_life));
  CHECK(leaving(queue) == "first lost, a lost, b lost, c@200");
}

TEST_CASE("a position that was flushed outlives its primary") {
  auto queue = connected();
  publish(queue, "tail");
  publish(queue, "a", durable);
  ask_and_answer(queue, reading(100, 50));
  queue.primary_down();
  queue.primary_up(second_life, {});
  ask_and_answer(queue, reading(300, 300, second_life, 2));
  CHECK(leaving(queue) == "tail lost, a@50");
}

TEST_CASE("a durable change outlives a restart on the same timeline, and no failover") {
  for (const TimelineId timeline : {1U, 2U}) {
    auto queue = connected();
    publish(queue, "first", durable);
    ask_and_answer(queue, reading(100, 100));
    CHECK(leaving(queue) == "first@100");
    publish(queue, "a", durable);
    queue.primary_down();
    queue.primary_up(second_life, {});
    ask_and_answer(queue, reading(200, 200, second_life, timeline));
    CHECK(leaving(queue) == (timeline == 1 ? "a@200" : "a lost"));
  }
}

TEST_CASE("a durable change is lost when the primary's timeline was never read in its life") {
  auto queue = connected();
  publish(queue, "first", durable);
  ask_and_answer(queue, reading(100, 100));
  CHECK(leaving(queue) == "first@100");
  queue.primary_down();
  queue.primary_up(second_life, {});  // promoted: on timeline 2, but it was not asked
  publish(queue, "a", durable);
  queue.primary_down();
  const ServerIncarnation old_primary_again{home, 3};
  queue.primary_up(old_primary_again, {});
  ask_and_answer(queue, reading(200, 200, old_primary_again, 1));
  CHECK(leaving(queue) == "a lost");
}

TEST_CASE("a durable change is lost when the primary belongs to another cluster now") {
  auto queue = connected();
  publish(queue, "first", durable);
  ask_and_answer(queue, reading(100, 100));
  CHECK(leaving(queue) == "first@100");
  publish(queue, "a", durable);
  queue.primary_down();
  const ServerIncarnation elsewhere{home + 1, 1};
  queue.primary_up(elsewhere, {});
  ask_and_answer(queue, reading(200, 200, elsewhere));
  CHECK(leaving(queue) == "a lost");
}

TEST_CASE("a message accepted before any primary was known is not held against the first one") {
  CommitQueue queue;
  publish(queue, "a");
  queue.primary_up(second_life, {});
  ask_and_answer(queue, reading(100, 100, second_life));
  CHECK(leaving(queue) == "a@100");
}

// --- leaving ------------------------------------------------------------------------------------

TEST_CASE("everything can be taken back, in order, and an answer that comes late is harmless") {
  auto queue = connected();
  publish(queue, "unflushed");
  ask_and_answer(queue, reading(100, 99));
  publish(queue, "asked");
  ask(queue);
  publish(queue, "new", NoChange{});
  std::string taken;
  for (const auto& one : queue.take_all()) taken += to_string(one.message.topic) + " ";
  CHECK(taken == "unflushed asked new ");
  CHECK(queue.size() == 0);
  CHECK(queue.bytes() == 0);
  queue.answered(reading(200, 99), start);
  CHECK(queue.deadline() == never);
  CHECK(leaving(queue).empty());
}

TEST_CASE("the bytes are the footprints of the messages that wait") {
  auto queue = connected();
  const auto small = footprint(a_message("a", ""));
  queue.push(a_message("a", std::string(1000, 'x')), by_default, 1, start);
  publish(queue, "b", NoChange{});
  CHECK(queue.size() == 2);
  CHECK(queue.bytes() == 2 * small + 1000);
  ask_and_answer(queue, reading(100, 100));
  CHECK(queue.bytes() == 2 * small + 1000);
  REQUIRE(queue.pop().has_value());
  CHECK(queue.bytes() == small);
  REQUIRE(queue.pop().has_value());
  CHECK(queue.bytes() == 0);
}
