#include "tidegate/position.hpp"

#include <doctest/doctest.h>

#include "tests/lib/samples.hpp"

using namespace tidegate;
using tidegate::testing::position;

TEST_CASE("a position is written as its timeline and its LSN") {
  CHECK(to_string(position("2:16/B374D848")) == "2:16/B374D848");
}

TEST_CASE("positions of a cluster are ordered by timeline, then by LSN") {
  CHECK(position("1:0/2") > position("1:0/1"));
  CHECK(position("2:0/1") > position("1:F/0"));
  CHECK(position("2:0/1") == position("2:0/1"));
}

TEST_CASE("a history file is read as PostgreSQL writes it") {
  const auto history = parse_timeline_history(
      "1\t0/3000060\tno recovery target specified\n"
      "\n"
      "2\t0/5000028\tbefore 2023-11-14 22:13:20+00\n");
  REQUIRE(history.ok());
  CHECK((history->switches() ==
         std::vector<TimelineHistory::Switch>{{1, Lsn{0x3000060}}, {2, Lsn{0x5000028}}}));
}

TEST_CASE("comments, blank lines, other blanks and a missing last line end say nothing") {
  const auto history = parse_timeline_history("# a comment\r\n  1   0/10\r\n\t\n#2\t0/20\n3 0/30");
  REQUIRE(history.ok());
  CHECK((history->switches() ==
         std::vector<TimelineHistory::Switch>{{1, Lsn{0x10}}, {3, Lsn{0x30}}}));
}

TEST_CASE("the first timeline has an empty history") {
  const auto history = parse_timeline_history("");
  REQUIRE(history.ok());
  CHECK(history->switches().empty());
}

TEST_CASE("a history line that cannot be read is quoted") {
  for (const auto* line :
       {"x\t0/1\twhy", "1", "1\t0-1\twhy", "-1\t0/1", "1x\t0/1", "4294967296\t0/1"}) {
    CAPTURE(line);
    const auto history = parse_timeline_history(std::string("1\t0/1\tfine\n") + line + "\n");
    REQUIRE_FALSE(history.ok());
    CHECK(history.error().message.find("'" + std::string(line) + "'") != std::string::npos);
  }
}

TEST_CASE("a history knows where it left each ancestor, and no other timeline") {
  const TimelineHistory history({{1, Lsn{100}}, {3, Lsn{300}}});
  REQUIRE(history.ancestor(1) != nullptr);
  CHECK(history.ancestor(1)->end == Lsn{100});
  REQUIRE(history.ancestor(3) != nullptr);
  CHECK(history.ancestor(3)->end == Lsn{300});
  CHECK(history.ancestor(2) == nullptr);
  CHECK(history.ancestor(4) == nullptr);
}

TEST_CASE("a position travels as one word of text") {
  const Position position{7423456789012345678U, 2, Lsn{0x16B374D848}};
  CHECK(to_text(position) == "7423456789012345678/2/16/B374D848");
  CHECK(*position_from_text(to_text(position)) == position);
  for (const auto* text : {"", "/", "//", "///", "7/1", "7/1/0", "7/1/0/", "7/0/0/1", "7/1/0/0",
                           "-7/1/0/1", "7/1/0/1/2", " 7/1/0/1", "7/1/0/1 ", "7//0/1",
                           "18446744073709551616/1/0/1", "7/4294967296/0/1"}) {
    CAPTURE(text);
    CHECK_FALSE(position_from_text(text).ok());
  }
}

TEST_CASE("a position as one word comes back as it was") {
  const Position whole{7423456789012345678U, 2, Lsn{0x16B374D848}};
  CHECK(to_text(whole) == "7423456789012345678/2/16/B374D848");
  CHECK(position_from_text(to_text(whole)).value() == whole);
}

TEST_CASE("a word that is no position is refused and quoted") {
  for (const auto* word : {"",
                           "/",
                           "//",
                           "///",
                           "7",
                           "7/2",
                           "7/2/",
                           "7/2/16",
                           "7/2/16/",
                           "7//1/1",
                           "/2/1/1",
                           "x/2/1/1",
                           "7/x/1/1",
                           "7/2/x/1",
                           "7/0/1/1",
                           "7/2/0/0",
                           "-7/2/1/1",
                           "7/2/1/1/1",
                           " 7/2/1/1",
                           "7/4294967296/1/1",
                           "18446744073709551616/2/1/1"}) {
    CAPTURE(word);
    const auto position = position_from_text(word);
    REQUIRE_FALSE(position.ok());
    CHECK(position.error().message.find("'" + std::string(word) + "'") != std::string::npos);
  }
}
