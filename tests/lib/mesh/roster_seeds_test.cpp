// How the roster gets to know peers by seeds (lib/mesh/roster_seeds.cpp).
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "tests/lib/mesh/roster_harness.hpp"

using namespace tidegate;
using namespace tidegate::base;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using tidegate::testing::b;
using tidegate::testing::c;
using tidegate::testing::info;
using tidegate::testing::origin;
using tidegate::testing::RosterHarness;

TEST_CASE("a seed is dialled at once, and again on a fresh connection until it answers") {
  RosterHarness a({{"192.0.2.2", 20}});
  CHECK(a.wait(Duration(0)) == "dial 1 192.0.2.2:20, link 1: Hello");
  CHECK(a.wait(milliseconds(2999)).empty());
  CHECK(a.wait(milliseconds(751)) == "undial 1, dial 2 192.0.2.2:20, link 2: Hello");
  CHECK(a.welcome(2, info(b, "b")) == "follow 192.0.2.2:10");
  CHECK(a.state(b) == "hello");
  a.reader(b);
  a.ready(b);
  CHECK(a.listening(b) == "b is ready");
  CHECK(a.wait(milliseconds(1900)).empty());
}

TEST_CASE("a seed's name is looked up anew for each try, and its newest address is dialled") {
  RosterHarness a({{"app", 20}});
  CHECK(a.wait(Duration(0)) == "resolve app");
  CHECK(a.resolved("app", {"192.0.2.2"}) == "dial 1 192.0.2.2:20, link 1: Hello");
  CHECK(a.wait(milliseconds(3750)) == "resolve app");
  CHECK(a.resolved("app", {"192.0.2.3"}) == "undial 1, dial 2 192.0.2.3:20, link 2: Hello");
  CHECK(a.welcome(2, info(b, "b")) == "follow 192.0.2.3:10");
  // Nobody answers the name server's question: the address is still right.
  a.left(b);
  CHECK(a.wait(milliseconds(3750)).ends_with("resolve app"));
  CHECK(a.resolved("app", {}) == "dial 3 192.0.2.3:20, link 3: Hello");
}

TEST_CASE("a name that no name server knows is looked up again every three seconds") {
  RosterHarness a({{"app", 20}});
  CHECK(a.wait(Duration(0)) == "resolve app");
  CHECK(a.resolved("app", {}).empty());
  CHECK(a.wait(milliseconds(2999)).empty());
  CHECK(a.wait(milliseconds(751)) == "resolve app");
}

TEST_CASE("a seed tells for how long nobody has answered there, and why") {
  RosterHarness a({{"app", 20}, {"192.0.2.9", 21}});
  a.wait(seconds(2));
  const auto seed = [&](std::size_t which) { return a.roster().seeds(a.now())[which]; };
  a.resolved("app", {}, "no name server answers");
  CHECK(seed(0).addresses.empty());
  CHECK(seed(0).unanswered == seconds(2));
  CHECK(seed(0).reason == "no name server answers");
  CHECK(seed(1).addresses == std::vector<std::string>{"192.0.2.9:21"});
  CHECK(seed(1).reason.empty());
  a.refused(1);
  CHECK(seed(1).reason == "not here");

  a.resolved("app", {"192.0.2.2", "192.0.2.3"});
  a.welcome(a.last_link(), info(b, "b"));
  a.wait(seconds(1));
  CHECK(seed(0).answered == 1);
  CHECK(seed(0).unanswered == Duration::zero());
  CHECK(seed(0).reason.empty());
  a.left(b);
  a.wait(seconds(9));
  CHECK(seed(0).answered == 0);
  CHECK(seed(0).unanswered >= seconds(5));
}

TEST_CASE("a name with several peers behind it reaches them all, but not the peer itself") {
  RosterHarness a({{"apps", 20}});
  a.wait(Duration(0));
  CHECK(a.resolved("apps", {"192.0.2.1", "192.0.2.2", "2001:db8::3"}) ==
        "dial 1 192.0.2.1:20, link 1: Hello, dial 2 192.0.2.2:20, link 2: Hello, "
        "dial 3 2001:db8::3:20, link 3: Hello");
  CHECK(a.welcome(1, info(origin(1), "a")) == "undial 1");
  CHECK(a.welcome(2, info(b, "b")) == "follow 192.0.2.2:10");
  CHECK(a.wait(milliseconds(3750)).find("resolve apps") != std::string::npos);
  CHECK(a.resolved("apps", {"2001:db8::3", "192.0.2.1", "192.0.2.2"}) ==
        "undial 3, dial 4 2001:db8::3:20, link 4: Hello");
  CHECK(a.welcome(4, info(c, "c")) == "follow 2001:db8::3:10");
}

TEST_CASE("a peer that has two addresses behind one name is met once") {
  RosterHarness a({{"app", 20}});
  a.wait(Duration(0));
  a.resolved("app", {"::1", "127.0.0.1"});
  CHECK(a.welcome(2, info(b, "b")) == "follow 127.0.0.1:10");
  CHECK(a.welcome(1, info(b, "b")) == "undial 1");
  CHECK(a.wait(milliseconds(1900)).find("dial") == std::string::npos);
}

TEST_CASE("peers that come to a name later are found within a minute") {
  RosterHarness a({{"apps", 20}});
  a.wait(Duration(0));
  a.resolved("apps", {"192.0.2.2"});
  a.welcome(1, info(b, "b"));
  a.reader(b);
  a.ready(b);
  a.listening(b);
  std::string trace;
  for (int second = 0; second < 40; ++second) {
    a.stream(b);
    trace += a.wait(seconds(1));
  }
  CHECK(trace == "resolve apps");
  CHECK(a.resolved("apps", {"192.0.2.2", "192.0.2.3"}) == "dial 2 192.0.2.3:20, link 2: Hello");
}

TEST_CASE("a seed that names a peer which is known already is not dialled twice") {
  RosterHarness a({{"192.0.2.2", 20}});
  a.wait(Duration(0));
  a.heard(b, "b");
  CHECK(a.welcome(1, info(b, "b")) == "undial 1");
  CHECK(a.welcome(2, info(b, "b")) == "follow b:10");
}

TEST_CASE("a seed that is the peer itself is forgotten") {
  RosterHarness a({{"192.0.2.1", 20}});
  a.wait(Duration(0));
  const auto itself = info(origin(1), "a");
  CHECK(a.hello(itself, "a") == "route r: Welcome");
  CHECK(a.welcome(1, itself) == "undial 1");
  CHECK(a.wait(minutes(5)).empty());
}

TEST_CASE("a seed that refuses is asked again after half a minute") {
  RosterHarness a({{"192.0.2.2", 20}});
  a.wait(Duration(0));
  CHECK(a.refused(1) == "undial 1");
  CHECK(a.wait(milliseconds(29'999)).empty());
  CHECK(a.wait(milliseconds(11'251)).starts_with("dial 2 192.0.2.2:20, link 2: Hello"));
}

TEST_CASE("a seed whose peer is gone is dialled again") {
  RosterHarness a({{"192.0.2.2", 20}});
  a.wait(Duration(0));
  a.welcome(1, info(b, "b"));
  const auto trace = a.wait(seconds(8));
  CHECK(trace.find("undial 1, unfollow b") != std::string::npos);
  CHECK(trace.find("dial 2 192.0.2.2:20, link 2: Hello") != std::string::npos);
}
