#include "tidegate/position.hpp"

#include <doctest/doctest.h>

#include "lib/base/limits.hpp"
#include "tests/lib/samples.hpp"

using namespace tidegate;
using tidegate::testing::history;
using tidegate::testing::place;
using tidegate::testing::position;

TEST_CASE("a position is written as its timeline and its LSN") {
  CHECK(to_string(position("2:16/B374D848")) == "2:16/B374D848");
}

TEST_CASE("positions are equal when all of their parts are") {
  const auto one = place(history("1 2@100/7"), 200);
  CHECK(one == place(history("1 2@100/7"), 200));
  CHECK(one != place(history("1 2@100/8"), 200));
  CHECK(one != place(history("1 2@100/7"), 201));
  CHECK(one != Position{one.branch, one.offset, 199});
  CHECK(one != place(history("1 2@100/7"), 200, testing::home + 1));
}

TEST_CASE("the start of a server is a part of a branch that is known by its number alone") {
  const auto branch = [](const std::string& text, std::int64_t started) {
    return Branch(ServerKind::postgres, 7, history(text), started);
  };
  CHECK(branch("2", 5).server_started() == 5);
  CHECK(branch("2", 5) != branch("2", 6));
  CHECK(branch("2", 5) != branch("2", 0));
  for (const auto* text : {"1", "1 2", "1 2@100", "2@100", "2@0/7"}) {
    CAPTURE(text);
    CHECK(branch(text, 5) == branch(text, 0));
  }
  CHECK(branch("2", -5).server_started() == 0);
}

TEST_CASE("a position as one word comes back as it was, with its whole history") {
  auto whole = place(history("1 2@97442070528/1795640443355842 4@97442070529"), 0x16B374D848,
                     7423456789012345678U);
  CHECK(to_text(whole) ==
        "postgres:7423456789012345678:1,2@16/B0000000@1795640443355842,4@16/B0000001:16/B374D848");
  CHECK(position_from_text(to_text(whole)).value() == whole);
  whole = place(history("2"), 1, 7);
  CHECK(to_text(whole) == "postgres:7:2:0/1");
  CHECK(position_from_text(to_text(whole)).value() == whole);
  whole.offset = 0x3000060;
  whole.after = 0x3000018;
  CHECK(to_text(whole) == "postgres:7:2:0/3000060:0/3000018");
  CHECK(position_from_text(to_text(whole)).value() == whole);
  whole = Position{Branch(ServerKind::postgres, 7, history("2"), 1'795'640'440'133'201), 1};
  CHECK(to_text(whole) == "postgres:7:2~1795640440133201:0/1");
  CHECK(position_from_text(to_text(whole)).value() == whole);
  whole = place(history("1 2@0/5"), 1, 7);
  CHECK(position_from_text(to_text(whole)).value() == whole);
}

TEST_CASE("a word that is no position is refused and quoted") {
  for (const auto* word : {"",
                           ":",
                           ":::",
                           "postgres:7",
                           "postgres:7:2",
                           "postgres:7:2:",
                           "postgres:7::0/1",
                           "postgres:7:2~x:0/1",
                           "postgres:7:2~0:0/1",
                           "postgres:7:2~-1:0/1",
                           "postgres:7:1~5:0/1",
                           "postgres:7:1,2~5:0/1",
                           "postgres::2:0/1",
                           "oracle:7:2:0/1",
                           ":7:2:0/1",
                           "postgres:x:2:0/1",
                           "postgres:7:x:0/1",
                           "postgres:7:0:0/1",
                           "postgres:7:2:x",
                           "postgres:7:2:0/0",
                           "postgres:-7:2:0/1",
                           "postgres:7:2:0/1:1",
                           "postgres:7:2:0/1:",
                           "postgres:7:2:0/1:0/1",
                           "postgres:7:2:0/2:0/1:0/1",
                           "postgres:7:2:0/2::0/1",
                           " postgres:7:2:0/1",
                           "postgres:7:2:0/1 ",
                           "postgres:7:2,1:0/1",
                           "postgres:7:1,2@0/5,3@0/4:0/9",
                           "postgres:7:1,2@5:0/9",
                           "postgres:7:1,2@0/5@x:0/9",
                           "postgres:7:1,2@0/5@-1:0/9",
                           "postgres:7:1,2@0/5@1@1:0/9",
                           "postgres:7:4294967296:0/1",
                           "postgres:18446744073709551616:2:0/1"}) {
    CAPTURE(word);
    const auto position = position_from_text(word);
    REQUIRE_FALSE(position.ok());
    CHECK(position.error().message.find("'" + std::string(word) + "'") != std::string::npos);
  }
}

TEST_CASE("a word with more timelines than a history may have is refused, and not quoted whole") {
  std::string word = "postgres:7:1";
  for (std::size_t n = 2; n <= base::limits::history_entries + 1; ++n) {
    word += "," + std::to_string(n);
  }
  const auto position = position_from_text(word + ":0/1");
  REQUIRE_FALSE(position.ok());
  CHECK(position.error().message.size() < 1000);
}
