#include "lib/outbox/cursor.hpp"

#include <string>

#include <doctest/doctest.h>

#include "tests/support/contains.hpp"

using namespace tidegate;
using namespace tidegate::outbox;
using tidegate::testing::contains;

namespace {

const std::string place = "postgres:7:1,2@0/5@9:0/1000";

CursorState state(TransactionId settled) {
  CursorState state{position_from_text(place).value(), settled, {}};
  state.done.add({3, 3, 12});
  state.done.add({5, 9, 14});
  return state;
}

std::string refusal(const std::string& text) {
  const auto cursor = cursor_from_text(text);
  REQUIRE_FALSE(cursor.ok());
  return cursor.error().message;
}

}  // namespace

TEST_CASE("a cursor is read as it was written") {
  const Cursor both{state(12), state(10)};
  const auto text = "outbox1 " + place + " 12 3@12,5-9@14 " + place + " 10 3@12,5-9@14";
  CHECK(to_text(both) == text);
  CHECK(cursor_from_text(text).value() == both);

  const Cursor bare{{position_from_text(place).value(), 12, {}}, {}};
  CHECK(to_text(bare) == "outbox1 " + place + " 12 -");
  CHECK(cursor_from_text(to_text(bare)).value() == bare);
}

TEST_CASE("a text that is no cursor is refused, and says why") {
  CHECK(contains(refusal(""), "outbox1"));
  CHECK(contains(refusal("outbox2 " + place + " 12 -"), "outbox1"));
  CHECK(contains(refusal("outbox1 somewhere 12 -"), "not a position"));
  for (const std::string ranges :
       {"", "3", "3@", "@3", "0@3", "5-4@3", "3@1,3@1", "3@1,4@1", "9@1,3@1", "3@1,", "03@1",
        "3-3@1", "-1@3", "3@1 x", "1-9223372036854775808@1"}) {
    CAPTURE(ranges);
    CHECK_FALSE(cursor_from_text("outbox1 " + place + " 12 " + ranges).ok());
  }
  CHECK_FALSE(cursor_from_text("outbox1 " + place + " x -").ok());
  CHECK_FALSE(cursor_from_text("outbox1 " + place + " 12 - ").ok());
  CHECK_FALSE(cursor_from_text("outbox1 " + place + " 12").ok());
}
