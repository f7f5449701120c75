#include <set>

#include <doctest/doctest.h>

#include "lib/base/limits.hpp"
#include "lib/mesh/roster.hpp"
#include "tests/lib/mesh/roster_harness.hpp"

using namespace tidegate;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using tidegate::testing::b;
using tidegate::testing::c;
using tidegate::testing::contains;
using tidegate::testing::info;
using tidegate::testing::origin;
using tidegate::testing::RosterHarness;

TEST_CASE("a silent peer is suspect after 2 s and gone after 6 s") {
  RosterHarness a;
  a.befriend(b, "b");
  CHECK(a.wait(seconds(2) - Duration(1)).empty());
  CHECK(a.state(b) == "ready");
  CHECK(a.wait(Duration(1)) == "link 1: Hello");
  CHECK(a.state(b) == "suspect");
  CHECK(a.roster().ready_count() == 0);
  CHECK(a.wait(seconds(4) - Duration(1)) == "link 1: Hello, link 1: Hello, link 1: Hello");
  CHECK(a.wait(Duration(1)) == "undial 1, unfollow b, b is gone: silent");
  CHECK(a.state(b) == "gone");
}

TEST_CASE("any word of a suspect peer makes it ready again, without a second notice") {
  RosterHarness a;
  a.befriend(b, "b");
  a.wait(seconds(3));
  CHECK(a.stream(b).empty());
  CHECK(a.state(b) == "ready");
}

TEST_CASE("about a peer that does not answer three others are asked, if there are so many") {
  for (const int others : {0, 1, 2, 3, 9}) {
    CAPTURE(others);
    RosterHarness a;
    a.befriend(b, "b");
    for (int i = 0; i < others; ++i) {
      a.befriend(origin(static_cast<std::uint8_t>(10 + i)), "o" + std::to_string(i));
    }
    const auto keep = [&] {
      for (int i = 0; i < others; ++i) {
        a.stream(origin(static_cast<std::uint8_t>(10 + i)));
      }
    };
    a.wait(seconds(1));
    keep();
    CHECK(a.wait(seconds(1)) == "link 1: Hello");
    keep();
    const auto trace = a.wait(std::chrono::milliseconds(1300));
    std::set<std::string> asked;
    for (int i = 0; i < others; ++i) {
      const auto link = "link " + std::to_string(2 + i) + ": Probe";
      if (trace.find(link) != std::string::npos) asked.insert(link);
    }
    CHECK(asked.size() == std::min<std::size_t>(static_cast<std::size_t>(others), 3));
  }
}

TEST_CASE("a silent peer for which another vouches stays suspect, and is gone when nobody does") {
  RosterHarness a;
  a.befriend(b, "b");
  a.befriend(c, "c");
  for (int i = 0; i < 20; ++i) {
    a.stream(c);
    a.wait(seconds(1));
    if (i >= 2) a.vouched(2, b);
  }
  CHECK(a.state(b) == "suspect");
  CHECK(a.wait(seconds(4)).find("b is gone: silent") != std::string::npos);
}

TEST_CASE("only a peer that hears another one vouches for it, and only to members") {
  RosterHarness a;
  a.befriend(b, "b");
  a.befriend(c, "c");
  CHECK(a.probe(c, b) == "route r: Vouch");
  CHECK(a.expected());
  CHECK(a.probe(c, origin(9)).empty());
  CHECK(a.expected());
  CHECK(a.probe(origin(9), b).empty());
  CHECK_FALSE(a.expected());
  a.wait(seconds(1));
  a.stream(c);
  a.wait(seconds(1));
  CHECK(a.state(b) == "suspect");
  CHECK(a.probe(c, b).empty());
}

TEST_CASE("a vouch that nobody asked for, or from a link that leads nowhere, counts for nothing") {
  RosterHarness a;
  a.befriend(b, "b");
  a.befriend(c, "c");
  a.vouched(2, b);
  CHECK_FALSE(a.expected());
  a.wait(seconds(3));
  a.vouched(7, b);
  CHECK_FALSE(a.expected());
  a.vouched(2, b);
  CHECK(a.expected());
}

TEST_CASE("a beacon neither keeps a peer alive nor brings one back before its own word") {
  RosterHarness a;
  a.befriend(b, "b");
  for (int i = 0; i < 5; ++i) {
    a.wait(seconds(1));
    a.heard(b, "b");
  }
  CHECK(a.state(b) == "suspect");
  a.wait(seconds(1));
  CHECK(a.state(b) == "gone");
  CHECK(a.heard(b, "b") == "dial 2 b:20, link 2: Hello");
  CHECK(a.state(b) == "heard");
  CHECK(a.roster().ready_count() == 0);
}

TEST_CASE("a beacon that was recorded and is sent again brings nobody back, nor leads elsewhere") {
  RosterHarness a;
  a.heard_again(b, "b", 7);
  a.wait(seconds(6));
  CHECK(a.state(b) == "gone");
  CHECK(a.heard_again(b, "elsewhere", 7).empty());
  CHECK(a.heard_again(b, "elsewhere", 6).empty());
  CHECK(a.state(b) == "gone");
  CHECK(contains(a.heard_again(b, "b", 8), "b:20"));
  CHECK(a.state(b) == "heard");
}

TEST_CASE("a beacon of a later life does not bring down the one that is here") {
  RosterHarness a;
  a.befriend(b, "b");
  auto later = b;
  ++later.incarnation;
  CHECK(a.heard(later, "b", 40) == "dial 2 b:40, link 2: Hello");
  CHECK(a.state(b) == "ready");
  a.stream(b);
  CHECK(a.expected());
  a.wait(seconds(2));
  CHECK(a.welcome(2, info(later, "b", 40)) ==
        "undial 1, unfollow b, b is gone: replaced, follow b:30");
  CHECK(a.state(b) == "left");
}

TEST_CASE("a peer that was never ready goes without a notice") {
  RosterHarness a;
  a.heard(b, "b");
  a.welcome(1, info(b, "b"));
  const auto trace = a.wait(seconds(7));
  CHECK(a.state(b) == "gone");
  CHECK(trace.find("undial 1, unfollow b") != std::string::npos);
  CHECK(trace.find("is gone") == std::string::npos);
}

TEST_CASE("a late process excuses the silence of the others") {
  RosterHarness a;
  a.befriend(b, "b");
  a.roster().discount(seconds(60));
  CHECK(a.wait(seconds(61)).empty());
  CHECK(a.state(b) == "ready");
}

TEST_CASE("a peer that returns in the same life keeps its stream and is announced again") {
  RosterHarness a;
  a.befriend(b, "b");
  (void)a.roster().find(b)->stream.start(7);
  a.wait(seconds(6));
  REQUIRE(a.state(b) == "gone");
  CHECK(a.hello(info(b, "b"), "b") ==
        "dial 2 b:20, link 2: Hello, route r: Welcome, link 2: Ready 5");
  CHECK(a.welcome(2, info(b, "b")) == "follow b:10");
  a.ready(b);
  CHECK(a.listening(b) == "b is ready");
  CHECK(a.roster().find(b)->stream.next() == 7);
}

TEST_CASE("a peer that has left does not come back in the same incarnation") {
  RosterHarness a;
  a.befriend(b, "b");
  CHECK(a.left(b) == "undial 1, unfollow b, b is gone: left");
  CHECK(a.state(b) == "left");
  CHECK(a.heard(b, "b").empty());
  CHECK(a.hello(info(b, "b"), "b").empty());
  CHECK(a.listening(b).empty());
  CHECK(a.state(b) == "left");
}

TEST_CASE("a peer whose subscription went away is not ready, and hello is said again") {
  RosterHarness a;
  a.befriend(b, "b");
  CHECK(a.reader(b, false).empty());
  CHECK(a.state(b) == "hello");
  CHECK(a.wait(milliseconds(1250)) == "link 1: Hello");
  CHECK(a.reader(b) == "link 1: Ready 5");
  CHECK(a.state(b) == "hello");   // it has not said from where it counts now
  CHECK(a.listening(b).empty());  // the application had not been told that it was away
  CHECK(a.state(b) == "ready");
}

TEST_CASE("a subscription that went away while its peer was suspect is soon looked after") {
  RosterHarness a;
  a.befriend(b, "b");
  a.wait(milliseconds(2100));
  a.reader(b, false);
  a.wait(milliseconds(1300));
  a.stream(b);
  CHECK(a.state(b) == "hello");
  CHECK(a.wait(milliseconds(100)) == "link 1: Hello");
}

// A publisher that could not reach a reader has closed the connection; the reader is not told, and
// the answers to its questions come over another one.
TEST_CASE("a stream that stays silent while its publisher answers is subscribed to anew") {
  RosterHarness a;
  a.befriend(b, "b");
  std::string trace;
  for (int i = 0; i < 13; ++i) {
    trace += a.wait(milliseconds(500)) + ";";
    a.welcome(1, info(b, "b"));
  }
  CHECK(a.state(b) == "ready");
  CHECK(trace.find("unfollow b, follow b:10") != std::string::npos);
  CHECK(trace.find("unfollow") == trace.rfind("unfollow"));
}

TEST_CASE("a stream that is heard is not subscribed to anew, nor for a silence that was our own") {
  RosterHarness a;
  a.befriend(b, "b");
  std::string trace;
  for (int i = 0; i < 40; ++i) {
    trace += a.wait(milliseconds(500));
    a.stream(b);
  }
  a.roster().discount(seconds(60));
  trace += a.wait(seconds(65));
  CHECK(trace.find("unfollow") == std::string::npos);
}
