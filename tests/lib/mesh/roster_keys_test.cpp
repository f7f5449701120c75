// A mesh that goes from one key to another, as one of its peers sees it.
#include <doctest/doctest.h>

#include "lib/mesh/roster.hpp"
#include "tests/lib/mesh/roster_harness.hpp"

using namespace tidegate;
using std::chrono::milliseconds;
using std::chrono::seconds;
using tidegate::testing::b;
using tidegate::testing::c;
using tidegate::testing::contains;
using tidegate::testing::info;
using tidegate::testing::RosterHarness;

namespace {

constexpr mesh::KeyId other_key = 7;

mesh::PeerInfo with_key(mesh::PeerInfo info, mesh::KeyId key) {
  info.key = key;
  return info;
}

}  // namespace

TEST_CASE("a member that names another key is dialled anew with that one, and met again") {
  RosterHarness a;
  a.befriend(b, "b");
  CHECK(a.hello(with_key(info(b, "b"), other_key), "b") ==
        "undial 1, dial 2 b:20, link 2: Hello, route r: Welcome, link 2: Ready 5");
  CHECK(a.last_key() == other_key);
  CHECK(a.state(b) == "hello");
  CHECK(a.hello(with_key(info(b, "b"), other_key), "b") == "route r: Welcome, link 2: Ready 5");
  a.listening(b);
  CHECK(a.state(b) == "ready");
}

TEST_CASE("a key of our own is named to each member until that has dialled anew") {
  RosterHarness a;
  a.befriend(b, "b");
  a.befriend(c, "c");
  CHECK(a.rekeyed(other_key) == "link 1: Hello, link 1: Ready 5, link 2: Hello, link 2: Ready 5");
  CHECK(a.roster().ready_count() == 0);
  a.listening(b);
  CHECK(a.state(b) == "ready");
  const auto again = a.wait(milliseconds(1251));
  CHECK(contains(again, "link 2: Hello, link 2: Ready 5"));
  CHECK_FALSE(contains(again, "link 1: Hello"));
}

TEST_CASE("keys that change nothing for the others disturb nobody") {
  RosterHarness a;
  a.befriend(b, "b");
  CHECK(a.rekeyed(0) == "link 1: Ready 5");  // which has it offer another path for datagrams
  CHECK(a.state(b) == "ready");
}

TEST_CASE("a member that was met with a key that is gone counts again once it has answered") {
  RosterHarness a;
  a.befriend(b, "b");
  CHECK(a.rekeyed(other_key, {1}) ==
        "undial 1, unfollow b, dial 2 b:20, link 2: Hello, link 2: Ready 5");
  a.stream(b);
  CHECK_FALSE(a.expected());
  CHECK_FALSE(contains(a.wait(seconds(3)), "follow"));
  CHECK(contains(a.welcome(a.last_link(), info(b, "b")), "follow b:10"));
  a.stream(b);
  CHECK(a.expected());
}

TEST_CASE("a member whose newest link has not answered when a key is gone is met anew") {
  RosterHarness a;
  a.befriend(b, "b");
  a.hello(with_key(info(b, "b"), other_key), "b");
  CHECK(contains(a.rekeyed(0, {99}), "undial 2, unfollow b, dial 3 b:20"));
}

TEST_CASE("a member is dialled with the key that its beacon names") {
  RosterHarness a;
  a.heard(b, "b", 20, other_key);
  CHECK(a.last_key() == other_key);
}

TEST_CASE("a seed that was dialled with a key that is gone is dialled anew at once") {
  RosterHarness a({{"192.0.2.2", 20}});
  CHECK(a.wait(Duration(0)) == "dial 1 192.0.2.2:20, link 1: Hello");
  CHECK(a.rekeyed(other_key, {1}) == "undial 1");
  CHECK(a.wait(Duration(0)) == "dial 2 192.0.2.2:20, link 2: Hello");
}
