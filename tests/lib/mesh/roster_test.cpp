#include "lib/mesh/roster.hpp"

#include <set>

#include <doctest/doctest.h>

#include "lib/base/limits.hpp"
#include "tests/lib/mesh/roster_harness.hpp"

using namespace tidegate;
using namespace tidegate::base;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using tidegate::testing::b;
using tidegate::testing::c;
using tidegate::testing::contains;
using tidegate::testing::info;
using tidegate::testing::origin;
using tidegate::testing::RosterHarness;
using tidegate::testing::start;

// --- the handshake ------------------------------------------------------------------------------

TEST_CASE("the handshake of a peer that a beacon names, step by step") {
  RosterHarness a;
  CHECK(a.heard(b, "b") == "dial 1 b:20, link 1: Hello");
  CHECK(a.state(b) == "heard");
  CHECK(a.welcome(1, info(b, "b")) == "follow b:10");
  CHECK(a.state(b) == "hello");
  CHECK(a.reader(b) == "link 1: Ready 5");
  CHECK(a.ready(b) == "link 1: Listening");
  CHECK(a.state(b) == "hello");
  CHECK(a.roster().ready_count() == 0);
  CHECK(a.listening(b) == "b is ready");
  CHECK(a.state(b) == "ready");
  CHECK(a.roster().ready_count() == 1);
}

TEST_CASE("a peer that says hello first is dialled back") {
  RosterHarness a;
  CHECK(a.hello(info(b, "b"), "b") == "dial 1 b:20, link 1: Hello, route r: Welcome");
  CHECK(a.state(b) == "hello");
  CHECK(a.welcome(1, info(b, "b")) == "follow b:10");
}

TEST_CASE("a subscription that arrived before its reader was known is remembered") {
  RosterHarness a;
  CHECK(a.reader(b).empty());
  CHECK(a.hello(info(b, "b"), "b") ==
        "dial 1 b:20, link 1: Hello, route r: Welcome, link 1: Ready 5");
}

TEST_CASE("a peer is ready in no order of the steps before all three are there") {
  const auto is_ready_after = [](const std::string& steps) {
    RosterHarness a;
    a.heard(b, "b");
    a.welcome(1, info(b, "b"));
    for (const char step : steps) {
      CHECK(a.state(b) == "hello");
      if (step == 'r') a.ready(b);
      if (step == 'l') a.listening(b);
      if (step == 's') a.reader(b);
    }
    return a.state(b) == "ready";
  };
  for (const auto* steps : {"rls", "rsl", "lrs", "lsr", "srl", "slr"}) {
    CAPTURE(steps);
    CHECK(is_ready_after(steps));
  }
  for (const auto* steps : {"rl", "rs", "ls", "rr", "ll"}) CHECK_FALSE(is_ready_after(steps));
}

TEST_CASE("every repeated step is answered again and announced once") {
  RosterHarness a;
  a.befriend(b, "b");
  CHECK(a.heard(b, "b").empty());
  CHECK(a.hello(info(b, "b"), "b") == "route r: Welcome, link 1: Ready 5");
  CHECK(a.welcome(1, info(b, "b")).empty());
  CHECK(a.reader(b) == "link 1: Ready 5");
  CHECK(a.ready(b) == "link 1: Listening");
  CHECK(a.listening(b).empty());
  CHECK(a.state(b) == "ready");
}

TEST_CASE("until a peer is ready, hello is said again every second or so") {
  RosterHarness a;
  a.heard(b, "b");
  CHECK(a.wait(milliseconds(999)).empty());
  CHECK(a.wait(milliseconds(251)) == "link 1: Hello");
  a.welcome(1, info(b, "b"));
  a.reader(b);
  CHECK(a.wait(milliseconds(1250)) == "link 1: Hello, link 1: Ready 5");
  a.ready(b);
  a.listening(b);
  CHECK(a.wait(milliseconds(1900)).empty());
}

TEST_CASE("a frame from a peer does not count before its PeerInfo was seen") {
  RosterHarness a;
  a.ready(b);
  CHECK_FALSE(a.expected());
  a.listening(b);
  CHECK_FALSE(a.expected());
  a.stream(b);
  CHECK_FALSE(a.expected());

  a.heard(b, "b");  // dialled, but no Welcome yet
  a.ready(b);
  CHECK_FALSE(a.expected());
  a.stream(b);
  CHECK_FALSE(a.expected());
  a.welcome(99, info(b, "b"));
  CHECK_FALSE(a.expected());
  CHECK(a.state(b) == "heard");
}

TEST_CASE("a peer of another mesh is refused, and its beacons and welcomes are ignored") {
  RosterHarness a;
  auto other = info(b, "b");
  other.mesh = "elsewhere";
  CHECK(a.hello(other, "b") == "route r: Refusal");
  CHECK(a.state(b) == "unknown");

  mesh::Effects effects;
  CHECK_FALSE(a.roster().heard({"elsewhere", b, 10, 20}, "b", start, effects));
  CHECK(effects.empty());

  a.heard(b, "b");
  CHECK(a.welcome(1, other).empty());
  CHECK_FALSE(a.expected());
  CHECK(a.state(b) == "heard");
}

TEST_CASE("a peer that refuses is hung up on, and dialled again when it announces itself") {
  RosterHarness a;
  a.heard(b, "b");
  CHECK(a.refused(1) == "undial 1");
  CHECK(a.state(b) == "gone");
  CHECK(a.wait(seconds(30)).empty());
  CHECK(a.heard(b, "b") == "dial 2 b:20, link 2: Hello");
}

TEST_CASE("the reason of a peer that refuses stays known until it answers") {
  RosterHarness a;
  a.heard(b, "b");
  a.refused(1);
  CHECK(a.roster().find(b)->refusal == "not here");
  CHECK(a.roster().find(b)->unready_since != never);
  a.heard(b, "b");
  CHECK(a.roster().find(b)->refusal == "not here");
  a.welcome(2, info(b, "b"));
  CHECK(a.roster().find(b)->refusal == "");
}

TEST_CASE("a peer hears neither itself nor a farewell in a beacon") {
  RosterHarness a;
  CHECK(a.heard(origin(1), "a").empty());
  mesh::Effects effects;
  CHECK_FALSE(a.roster().heard({"default", b, 10, 20, true}, "b", start, effects));
  CHECK(effects.empty());
  CHECK(a.state(b) == "unknown");
}

TEST_CASE("a connection that never had an answer is given up for a new one, one that had is kept") {
  RosterHarness a;
  a.heard(b, "b");
  auto trace = a.wait(seconds(5));
  CHECK(contains(trace, "undial 1, dial 2 b:20, link 2: Hello"));
  CHECK_FALSE(contains(trace, "dial 3"));
  a.welcome(2, info(b, "b"));
  trace = a.wait(seconds(5));
  CHECK(contains(trace, "link 2: Hello"));
  CHECK_FALSE(contains(trace, "dial 3"));
}

TEST_CASE("a peer that is not ready lacks the first step that was not seen, and for how long") {
  RosterHarness a;
  a.heard(b, "b");
  CHECK(a.unready(b) == "heard, no answer");
  a.wait(seconds(4));
  CHECK(a.unready(b) == "heard, no answer, 4 s");
  a.welcome(a.last_link(), info(b, "b"));
  CHECK(a.unready(b) == "hello, no call, 4 s");
  a.hello(info(b, "b"), "b");
  CHECK(a.unready(b) == "hello, no stream, 4 s");
  a.ready(b);
  CHECK(a.unready(b) == "hello, no subscription, 4 s");
  a.reader(b);
  CHECK(a.unready(b) == "hello, no call, 4 s");
  a.listening(b);
  CHECK(a.unready(b) == "ready, no done");
  a.reader(b, false);
  a.wait(seconds(2));
  CHECK(a.unready(b) == "hello, no subscription, 1 s");
}

TEST_CASE("a peer that reaches this one and is not reached lacks its answer") {
  RosterHarness a;
  a.hello(info(b, "b"), "b");
  CHECK(a.unready(b) == "hello, no answer");
}

TEST_CASE("a peer of which nothing but beacons come has been unready since the first") {
  RosterHarness a;
  a.heard(b, "b");
  for (int i = 0; i < 10; ++i) {
    a.wait(seconds(7));
    CHECK(a.state(b) == "gone");
    a.heard(b, "b");
  }
  CHECK(a.unready(b) == "heard, no answer, 70 s");
  a.left(b);
  CHECK(a.unready(b) == "left, no answer");
}

// The connection was given to a member that had left, and stayed open for ever.
TEST_CASE("a welcome behind a farewell revives nothing and leaks nothing") {
  RosterHarness a({{"192.0.2.2", 20}});
  a.wait(Duration(0));
  a.befriend(b, "b");
  CHECK(a.left(b) == "undial 2, unfollow b, b is gone: left");
  CHECK(a.welcome(1, info(b, "b")) == "undial 1");
  CHECK(a.welcome(2, info(b, "b")).empty());
  CHECK_FALSE(a.expected());
  CHECK(a.state(b) == "left");
}

// Frames that wait on a broken connection go to whichever peer listens at that address next.
TEST_CASE("words that were meant for an earlier life at this address say nothing to this one") {
  RosterHarness a;
  a.heard(b, "b");
  a.welcome(a.last_link(), info(b, "b"));
  a.reader(b);
  auto earlier = origin(1);
  --earlier.incarnation;
  CHECK(a.ready(b, earlier).empty());
  CHECK_FALSE(a.expected());
  a.ready(b);
  CHECK(a.listening(b, earlier).empty());
  CHECK_FALSE(a.expected());
  CHECK(a.state(b) == "hello");
  CHECK(a.listening(b) == "b is ready");
}

// --- lives and addresses ------------------------------------------------------------------------

TEST_CASE("a later life of a peer replaces the earlier one once that is silent") {
  RosterHarness a;
  a.befriend(b, "b");
  auto later = b;
  ++later.incarnation;
  // The earlier one is asked: it may have died a moment ago.
  CHECK(a.hello(info(later, "b", 40), "b") == "dial 2 b:40, link 2: Hello, link 1: Hello");
  CHECK(a.welcome(2, info(later, "b", 40)) == "link 1: Hello");
  CHECK(a.state(b) == "ready");
  a.wait(seconds(2));
  CHECK(contains(a.hello(info(later, "b", 40), "b"), "route r: Welcome"));
  CHECK(a.welcome(2, info(later, "b", 40)) ==
        "undial 1, unfollow b, b is gone: replaced, follow b:30");
  CHECK(a.state(b) == "left");
  CHECK(a.state(later) == "hello");
}

TEST_CASE("a hello with the id of a living peer and a later incarnation does not part that one") {
  RosterHarness a;
  a.befriend(b, "b");
  auto other = b;
  ++other.incarnation;
  for (int i = 0; i < 10; ++i) {
    a.wait(milliseconds(500));
    a.stream(b);
    const auto answer = a.hello(info(other, "b", 40), "elsewhere");
    CHECK(contains(answer, "Refusal") == (i >= 4));
    CHECK_FALSE(contains(answer, "Welcome"));
    CHECK_FALSE(contains(a.welcome(a.last_link(), info(other, "b", 40)), "replaced"));
    a.listening(other);
    CHECK(a.state(b) == "ready");
  }
}

TEST_CASE("an incarnation that was only named keeps no peer out") {
  RosterHarness a;
  auto invented = b;
  invented.incarnation = ~0ULL;
  SUBCASE("in a beacon") { a.heard(invented, "elsewhere"); }
  SUBCASE("in a hello") { a.hello(info(invented, "b"), "elsewhere"); }
  CHECK(contains(a.hello(info(b, "b"), "b"), "route r: Welcome"));
  CHECK(a.welcome(a.last_link(), info(b, "b")) == "follow b:10");
  CHECK(a.state(b) == "hello");
}

TEST_CASE("an answer in the name of a peer that was met, with another stream key, is nobody's") {
  RosterHarness a;
  auto its_own = info(b, "b");
  its_own.stream_key[0] = 1;
  a.heard(b, "b");
  a.welcome(1, its_own);
  a.wait(seconds(7));
  CHECK(a.state(b) == "gone");
  CHECK(contains(a.hello(info(b, "b"), "elsewhere"), "dial 2 elsewhere:20"));
  CHECK(a.welcome(2, info(b, "b")) == "undial 2");
  CHECK(a.state(b) == "gone");
  CHECK(contains(a.hello(its_own, "b"), "dial 3 b:20"));
  CHECK(a.welcome(3, its_own) == "follow b:10");
}

TEST_CASE("an earlier life of a peer is not let in any more") {
  RosterHarness a;
  auto later = b;
  ++later.incarnation;
  a.befriend(later, "b");
  CHECK(a.heard(b, "b").empty());
  CHECK(a.hello(info(b, "b"), "b") == "route r: Refusal");
  CHECK(a.state(b) == "unknown");
  CHECK(a.state(later) == "ready");
}

TEST_CASE("another peer answers at a known address: only that address is stale") {
  RosterHarness a;
  a.befriend(b, "b");
  CHECK(a.welcome(1, info(c, "c")) ==
        "undial 1, unfollow b, b is gone: silent, dial 2 b:20, link 2: Hello");
  CHECK(a.welcome(2, info(c, "c")) == "follow b:10");
  CHECK(a.state(c) == "hello");
  // It lives elsewhere, and was ignored for ten minutes.
  SUBCASE("its beacon") { CHECK(a.heard(b, "elsewhere") == "dial 3 elsewhere:20, link 3: Hello"); }
  SUBCASE("its hello") {
    CHECK(a.hello(info(b, "b"), "elsewhere") ==
          "dial 3 elsewhere:20, link 3: Hello, route r: Welcome, link 3: Ready 5");
  }
  CHECK(a.welcome(3, info(b, "b")) == "follow elsewhere:10");
  CHECK(a.state(b) == "hello");
  CHECK(a.state(c) == "hello");
}

TEST_CASE("a later life that answers at the address of the earlier one has replaced it") {
  RosterHarness a;
  a.befriend(b, "b");
  auto later = b;
  ++later.incarnation;
  CHECK(a.welcome(1, info(later, "b")) ==
        "undial 1, unfollow b, b is gone: replaced, dial 2 b:20, link 2: Hello");
  CHECK(a.state(b) == "left");
}

TEST_CASE("a peer that claims the publish port of a living one does not part that from us") {
  RosterHarness a;
  a.befriend(b, "b");
  a.hello(info(c, "c"), "b");
  CHECK(a.welcome(2, info(c, "c")) == "follow b:10");
  CHECK(a.state(b) == "ready");
  CHECK(a.state(c) == "hello");
}

TEST_CASE("an address that leads back to this peer itself belongs to nobody else any more") {
  RosterHarness a;
  a.heard(b, "b");
  CHECK(a.welcome(1, info(origin(1), "a")) == "undial 1");
  CHECK(a.state(b) == "gone");
}

// --- the limit ----------------------------------------------------------------------------------

namespace {

Origin numbered(std::size_t number) {
  Origin value;
  value.peer.bytes[1] = static_cast<std::uint8_t>(number >> 8U);
  value.peer.bytes[2] = static_cast<std::uint8_t>(number);
  value.incarnation = 1;
  return value;
}

}  // namespace

TEST_CASE("a full roster takes nobody while all are there") {
  RosterHarness a;
  for (std::size_t i = 0; i < limits::peers; ++i) a.heard(numbered(i), "h" + std::to_string(i));
  CHECK(a.heard(b, "b").empty());
  CHECK(a.hello(info(b, "b"), "b").empty());
  CHECK(a.roster().members().size() == limits::peers);
}

TEST_CASE("a peer that names hundreds of others at its address leaves room for real ones") {
  RosterHarness a;
  for (std::size_t i = 0; i < limits::peers; ++i) a.hello(info(numbered(i), "x"), "liar");
  CHECK(a.roster().members().size() == limits::peers / 4);
  CHECK(contains(a.hello(info(b, "b"), "b"), "route r: Welcome"));
  a.wait(seconds(10));
  CHECK(contains(a.hello(info(numbered(999), "x"), "liar"), "route r: Welcome"));
}

TEST_CASE("a peer that subscribes in the name of thousands keeps no newcomer from being ready") {
  RosterHarness a;
  for (std::size_t i = 0; i < 5 * limits::peers; ++i) a.reader(numbered(i));
  a.befriend(b, "b");
  CHECK(a.state(b) == "ready");
}

TEST_CASE("a full roster forgets the one that is gone for longest and of which nothing is held") {
  RosterHarness a;
  for (std::size_t i = 0; i < limits::peers; ++i) a.heard(numbered(i), "h" + std::to_string(i));
  ++a.roster().find(numbered(7))->held;
  a.left(numbered(7));
  a.wait(milliseconds(1));
  a.left(numbered(9));
  a.wait(milliseconds(1));
  a.left(numbered(8));
  CHECK_FALSE(a.heard(b, "b").empty());
  CHECK(a.state(numbered(9)) == "unknown");
  CHECK(a.state(numbered(8)) == "left");
  CHECK_FALSE(a.heard(c, "c").empty());
  CHECK(a.state(numbered(8)) == "unknown");
  CHECK(a.state(numbered(7)) == "left");
  CHECK(a.heard(origin(4), "d").empty());
}

TEST_CASE("a peer that is gone is forgotten after ten minutes, unless a message of it is held") {
  RosterHarness a;
  a.befriend(b, "b");
  a.befriend(c, "c");
  ++a.roster().find(c)->held;
  a.left(b);
  a.left(c);
  a.wait(minutes(10) - Duration(1));
  CHECK(a.state(b) == "left");
  a.wait(Duration(1));
  CHECK(a.state(b) == "unknown");
  CHECK(a.state(c) == "left");
  --a.roster().find(c)->held;
  a.wait(minutes(10));
  CHECK(a.state(c) == "unknown");
}

// --- streams of the forgotten -------------------------------------------------------------------

TEST_CASE("a peer that returns in the same life after a day goes on where its stream was") {
  RosterHarness a;
  a.befriend(b, "b");
  (void)a.roster().find(b)->stream.start(41);
  a.wait(seconds(10));
  CHECK(a.state(b) == "gone");
  a.wait(std::chrono::hours(24));
  CHECK(a.state(b) == "unknown");
  a.heard(b, "b");
  CHECK(a.roster().find(b)->stream.next() == 41);
}

TEST_CASE("a peer that returns after it was evicted from a full roster goes on, too") {
  RosterHarness a;
  a.befriend(b, "b");
  (void)a.roster().find(b)->stream.start(41);
  for (std::size_t i = 1; i < limits::peers; ++i) a.heard(numbered(i), "h" + std::to_string(i));
  a.left(b);
  CHECK_FALSE(a.heard(c, "c").empty());
  CHECK(a.state(b) == "unknown");
  // A later life that goes on with the same stream does so as well.
  auto later = info(b, "b");
  ++later.origin.incarnation;
  later.epoch = b.incarnation;
  a.left(c);
  a.hello(later, "b");
  a.welcome(a.last_link(), later);
  CHECK(a.roster().find(later.origin)->stream.next() == 41);
}
