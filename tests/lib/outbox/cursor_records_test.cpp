#include "lib/outbox/cursor_records.hpp"

#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "tests/support/contains.hpp"

using namespace tidegate;
using namespace tidegate::outbox;
using tidegate::testing::contains;

namespace {

const std::string place = "postgres:7:1,2@0/5@9:0/1000";
const std::string whole = "outbox1 " + place + " 12 3@12\n";

}  // namespace

TEST_CASE("a cursor's file is a whole cursor and what was done since") {
  const auto later = position_from_text("postgres:7:1,2@0/5@9:0/2000").value();
  std::string text;
  write_whole(text, cursor_from_text(whole.substr(0, whole.size() - 1)).value());
  CHECK(text == whole);
  write_done(text, {12, 4});
  write_seen(text, later);
  write_done(text, {15, 9});
  const auto file = read_cursor_file(text);
  REQUIRE(file.ok());
  CHECK(file->torn == 0);
  REQUIRE(file->cursor.has_value());
  CHECK(file->cursor->now.seen == later);
  CHECK(file->cursor->now.settled == 12);
  CHECK(file->cursor->now.done.has(3));
  CHECK(file->cursor->now.done.has(4));
  CHECK(file->cursor->now.done.has(9));
  CHECK(file->cursor->now.done.highest() == 15);
}

TEST_CASE("a row of a settled transaction adds nothing to a cursor") {
  const auto file = read_cursor_file(whole + "done 11 2\n");
  CHECK_FALSE(file->cursor->now.done.has(2));
}

TEST_CASE("an empty file has no cursor, and a torn line at the end does not count") {
  CHECK_FALSE(read_cursor_file("")->cursor.has_value());
  const auto file = read_cursor_file(whole + "done 12 4\ndone 13 77");
  CHECK(file->torn == 10);
  CHECK(file->cursor->now.done.has(4));
  CHECK_FALSE(file->cursor->now.done.has(77));
}

TEST_CASE("a cursor's file that makes no sense is refused") {
  for (const auto& text : {std::string("outbox1"), std::string("done 12 4\n"), whole + "\n",
                           whole + "done 12\n", whole + "done 12 0\n", whole + "done 12 4 \n",
                           whole + "seen nowhere\n", whole + whole, whole + "done x 4\n"}) {
    CAPTURE(text);
    CHECK_FALSE(read_cursor_file(text).ok());
  }
  CHECK(contains(read_cursor_file("x").error().message, "first line"));
}
