#include "lib/gate/primary_check.hpp"

#include <doctest/doctest.h>

#include "tests/lib/samples.hpp"

using namespace tidegate;
using namespace tidegate::gate;
using namespace tidegate::testing;

namespace {

Branch on(const std::string& text, ClusterId cluster = home) {
  return {ServerKind::postgres, cluster, history(text)};
}

Tide shown(const std::string& text, std::uint64_t replayed, ClusterId cluster = home) {
  return {{cluster, 1}, history(text), replayed};
}

bool is_none(PrimaryCheck& check, const Branch& primary, const std::optional<Tide>& tide = {}) {
  return check.objection_to(primary, tide).has_value();
}

}  // namespace

TEST_CASE("a primary whose timeline the server that is read has left is none") {
  PrimaryCheck check;
  const auto objection = check.objection_to(on("1"), shown("1 2@100", 100));
  REQUIRE(objection);
  CHECK(objection->of_server);
  CHECK(objection->history == history("1 2@100"));
}

TEST_CASE("a primary that the server that is read does not contradict is one") {
  PrimaryCheck check;
  CHECK_FALSE(is_none(check, on("1")));
  CHECK_FALSE(is_none(check, on("1"), shown("1", 500)));
  CHECK_FALSE(is_none(check, on("1 2@100"), shown("1", 50)));             // which lags
  CHECK_FALSE(is_none(check, on("1 2@100"), shown("1 2@120", 150)));      // which went another way
  CHECK_FALSE(is_none(check, on("1"), shown("1 2@100", 100, home + 1)));  // of another cluster
  CHECK_FALSE(is_none(check, Branch(ServerKind::postgres, home, {}), shown("1 2@100", 100)));
}

TEST_CASE("a primary is none when a position of a later history was seen") {
  PrimaryCheck check;
  CHECK(check.seen(place(history("1 2@100"), 130)));
  CHECK(is_none(check, on("1")));
  CHECK(is_none(check, on("1"), shown("1", 90)));   // may still follow
  CHECK(is_none(check, on("1"), shown("1", 100)));  // right at the fork as well
  CHECK_FALSE(is_none(check, on("1 2@100")));
  CHECK_FALSE(is_none(check, on("1 2@120")));
  CHECK_FALSE(is_none(check, on("1", home + 1)));
}

TEST_CASE("a primary is one though somebody names a timeline that nobody can have come to") {
  PrimaryCheck check;
  check.seen(place(~TimelineId{0}, 130));
  CHECK_FALSE(is_none(check, on("1")));
  CHECK_FALSE(is_none(check, on("1"), shown("1", 500)));
  CHECK_FALSE(is_none(check, on("1 2@100")));
  check.seen(place(history("1 2@100"), 130));
  check.seen(place(~TimelineId{0} - 1, 130));
  CHECK(is_none(check, on("1")));
}

TEST_CASE("a position at the very begin of a timeline says nothing of that timeline") {
  PrimaryCheck check;
  CHECK_FALSE(check.seen(place(history("1 2@100"), 100)));
  CHECK_FALSE(is_none(check, on("1")));
}

TEST_CASE("a history is known once, and what led to it with it") {
  PrimaryCheck check;
  CHECK(check.seen(place(history("1 2@100"), 130)));
  CHECK_FALSE(check.seen(place(history("1 2@100"), 140)));
  CHECK_FALSE(check.seen(place(history("1"), 70)));
  CHECK(check.seen(place(history("1 2@100 3@200"), 230)));
  CHECK(is_none(check, on("1 2@100")));
}

TEST_CASE(
    "a failover is taken back when the server that is read has gone past it with the primary") {
  PrimaryCheck check;
  check.seen(place(history("1 2@100"), 130));
  CHECK(check.take_given_up().empty());
  CHECK_FALSE(is_none(check, on("1"), shown("1", 101)));
  const auto given_up = check.take_given_up();
  REQUIRE(given_up.size() == 1);
  CHECK(given_up[0] == history("1 2@100"));
  // For good, also when that server is down; and it is told once.
  CHECK_FALSE(is_none(check, on("1")));
  CHECK_FALSE(check.seen(place(history("1 2@100"), 150)));
  CHECK(check.take_given_up().empty());
  // Should that server follow the later history after all, it speaks for itself.
  CHECK(is_none(check, on("1"), shown("1 2@100", 160)));
}

TEST_CASE("a server on another way than the primary takes no failover back") {
  PrimaryCheck check;
  check.seen(place(history("1 2@100"), 130));
  CHECK(is_none(check, on("1"), shown("1 2@120", 500)));
  CHECK(is_none(check, on("1"), shown("1", 500, home + 1)));
}

TEST_CASE(
    "nothing speaks against a primary that the operator trusts, until something new is seen") {
  PrimaryCheck check;
  check.seen(place(history("1 2@100"), 130));
  const auto read = shown("1 2@110", 150);
  check.trust(on("1"), read);
  CHECK(check.take_given_up().size() == 2);
  CHECK_FALSE(is_none(check, on("1"), read));
  check.seen(place(history("1 2@105"), 130));
  CHECK(is_none(check, on("1"), read));
}
